//! Operators that belong to no group.

mod dropout;

pub use dropout::*;
