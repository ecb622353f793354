//! From a manifest and flags to a list of checked runs.

mod check;
mod error;
mod export;
mod file;
mod inputs;
mod matrix;
mod partition;
mod same;

pub use check::{Checked, CheckedRun, build, check, check_any};
pub use error::UsageError;
pub use export::{CheckedExport, ExportRequest, check_export};
pub use file::CheckedFile;
pub use inputs::CheckedInputs;
pub(crate) use matrix::in_range;
pub use matrix::{Overrides, Plan, plan, run_id};
pub use partition::Partition;
pub use same::computations;
pub(crate) use same::same_thing;
