//! From a manifest and flags to a list of checked runs.

mod check;
mod error;
mod export;
mod matrix;

pub use check::{Checked, CheckedFile, CheckedRun, check, check_any, file_format};
pub use error::UsageError;
pub use export::{CheckedExport, ExportRequest, check_export};
pub use matrix::{Overrides, Plan, plan, run_id};
