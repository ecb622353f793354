//! Records that a command reads: what cannot be read is named and skipped.

use std::path::PathBuf;

use nongemm_core::record::{RunRecord, store};

use crate::error::{self, CliError};

/// Reads the records of some places. Those that cannot be read are warnings, unless nothing is left.
pub(crate) fn load(places: &[PathBuf]) -> Result<Vec<RunRecord>, CliError> {
    let loaded = store::load(places).map_err(CliError::usage)?;
    match (loaded.records.len(), loaded.skipped.as_slice()) {
        (0, [only]) => return Err(CliError::usage(only)),
        (read, skipped) => {
            for error in skipped {
                error::warn(&format!("skipped: {error}"));
            }
            if read == 0 {
                let count = skipped.len();
                let message = format!("none of {count} run records can be read");
                return Err(CliError::usage(message));
            }
        }
    }
    Ok(loaded.records)
}
