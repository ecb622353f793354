//! The flows, one file each.

mod common;
mod eager;

pub use eager::Eager;
