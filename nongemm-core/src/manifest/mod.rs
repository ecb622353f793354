//! Experiment manifests: TOML files that say what to run and how precisely.

mod schema;

pub use schema::{Manifest, ManifestError, MeasureTable, RunTable, parse_duration};

/// The manifest that runs when none is given; also the documentation of the format.
pub const DEFAULT: &str = include_str!("default.toml");
