//! Table look-ups.

mod embedding;

pub use embedding::*;
