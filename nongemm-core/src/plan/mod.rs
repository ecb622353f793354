//! From a manifest and flags to a list of checked runs.

mod check;
mod error;
mod matrix;

pub use check::{CheckedRun, build, check};
pub use error::UsageError;
pub use matrix::{Overrides, Plan, plan, run_id};
