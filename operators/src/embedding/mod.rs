//! Table look-ups.

mod table;

pub use table::*;
