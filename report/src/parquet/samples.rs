//! `samples.parquet`: one row per sample of each run.

use std::io::{self, Write};

use nongemm_core::record::RunRecord;

use super::point::{self, OfRun};
use super::table::{self, Type, int};
use crate::samples::{self, Sample};

struct Row<'a> {
    run: &'a RunRecord,
    sample: Sample,
}

impl OfRun for Row<'_> {
    fn run(&self) -> &RunRecord {
        self.run
    }
}

/// Writes the table.
pub(super) fn write(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let mut columns = point::columns::<Row<'_>>();
    columns.extend([
        (
            "pass",
            Type::Text(|row: &Row<'_>| Some(row.sample.pass.to_owned())),
        ),
        ("index", Type::Int(|row| int(row.sample.index))),
        ("ns", Type::Int(|row| int(row.sample.ns))),
        ("outlier", Type::Flag(|row| row.sample.outlier)),
        ("disturbed", Type::Flag(|row| row.sample.disturbed)),
    ]);
    let groups = runs
        .iter()
        .map(|run| samples::of(run).map(|sample| Row { run, sample }).collect());
    table::write("samples", &columns, groups, out)
}
