//! From a manifest and flags to a list of checked runs.

mod check;
mod error;
mod export;
mod matrix;
mod partition;
mod same;

pub use check::{Checked, CheckedFile, CheckedRun, build, check, check_any, file_format};
pub use error::UsageError;
pub use export::{CheckedExport, ExportRequest, check_export};
pub use matrix::{Overrides, Plan, plan, run_id};
pub use partition::Partition;
pub use same::computations;
pub(crate) use same::same_thing;
