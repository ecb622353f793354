//! Experiment manifests: TOML files that say what to run and how precisely.

mod schema;

pub use schema::{Manifest, ManifestError, MeasureTable, RunTable, parse_duration};
pub(crate) use schema::{line_of, setting, toml_error};
