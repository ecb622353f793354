//! The reporter `csv`: tables for spreadsheets and data frames.
//!
//! In a folder: `runs.csv`, `groups.csv`, `operators.csv` and `samples.csv`, and `energy.csv` where energy was
//! measured. To a stream: the table of operators. Every scalar of a record's schema is a column; times are in
//! nanoseconds, sizes in bytes, shapes are written `[1, 128]`, and what is null is empty. The header does not
//! depend on the runs.
//!
//! The tables are safe to open in a spreadsheet: see [`cell`]. Parquet and JSON hold names as they are.

mod cell;
mod energy;
mod groups;
mod operators;
mod point;
mod runs;
mod samples;

use std::io::{self, Write};

use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::RunRecord;
use nongemm_core::register;

use crate::output;

/// Writes one table for each of runs, groups and operators.
pub struct CsvReporter;

register!(dyn Reporter, &CsvReporter);

impl Reporter for CsvReporter {
    fn id(&self) -> &'static str {
        "csv"
    }

    fn summary(&self) -> &'static str {
        "tables: runs.csv, groups.csv, operators.csv and samples.csv in a folder, or the operators on standard output"
    }

    fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()> {
        match target {
            ReportTarget::Stream(stream, _) => {
                output::stream(*stream, |out| operators::write(runs, out))
            }
            ReportTarget::Folder(folder) => {
                output::file(folder, "runs.csv", |out| runs::write(runs, out))?;
                output::file(folder, "groups.csv", |out| groups::write(runs, out))?;
                output::file(folder, "operators.csv", |out| operators::write(runs, out))?;
                output::file(folder, "samples.csv", |out| samples::write(runs, out))?;
                if energy::is_measured(runs) {
                    output::file(folder, "energy.csv", |out| energy::write(runs, out))?;
                }
                Ok(())
            }
        }
    }
}

/// Writes a header and rows.
pub(crate) fn write_table(
    out: &mut dyn Write,
    header: Vec<&str>,
    rows: impl Iterator<Item = Vec<String>>,
) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(header).map_err(io_error)?;
    for row in rows {
        let row = row.iter().map(|text| cell::harmless(text));
        table
            .write_record(row.map(|cell| cell.into_owned().into_bytes()))
            .map_err(io_error)?;
    }
    table.flush()
}

/// The system's own error where there is one, so that callers can look at its kind.
fn io_error(error: csv::Error) -> io::Error {
    if error.is_io_error()
        && let csv::ErrorKind::Io(io) = error.into_kind()
    {
        return io;
    }
    io::Error::other("a row of the table has the wrong number of columns")
}

/// A value as a field; null is empty.
fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
