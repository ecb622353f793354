//! The flows, one file each.

mod common;
mod compile;
mod eager;
mod file;
mod mapping;
mod recorded;
mod script;
mod whole;

pub use compile::Compile;
pub use eager::Eager;
pub use script::Script;
