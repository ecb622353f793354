//! The flows, one file each.

mod common;
mod eager;
mod mapping;
mod script;
mod whole;

pub use eager::Eager;
pub use script::Script;
