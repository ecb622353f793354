//! The reporter `parquet`: typed tables for data frames.
//!
//! `operators.parquet` has one row per operator of each run, in execution order; `samples.parquet` one row per
//! sample. Times are in nanoseconds, sizes in bytes, names as they are in the record; every column may be null.
//! A run is a row group. Nothing is compressed but by Parquet's own dictionaries.

mod operators;
mod point;
mod samples;
mod table;

use anyhow::bail;
use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::RunRecord;
use nongemm_core::register;

use crate::output;

/// Writes `operators.parquet` and `samples.parquet`.
pub struct ParquetReporter;

register!(dyn Reporter, &ParquetReporter);

impl Reporter for ParquetReporter {
    fn id(&self) -> &'static str {
        "parquet"
    }

    fn summary(&self) -> &'static str {
        "typed tables for data frames: operators.parquet and samples.parquet in a folder"
    }

    fn needs_folder(&self) -> bool {
        true
    }

    fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()> {
        match target {
            ReportTarget::Stream(..) => {
                bail!("parquet files are not for a stream")
            }
            ReportTarget::Folder(folder) => {
                output::file(folder, "operators.parquet", |out| {
                    operators::write(runs, out)
                })?;
                output::file(folder, "samples.parquet", |out| samples::write(runs, out))
            }
        }
    }
}
