//! `samples.csv`: one row per sample of each run, in the order in which they were taken.

use std::io::{self, Write};

use nongemm_core::record::RunRecord;

use super::{optional, point, write_table};
use crate::samples;

/// Writes the table.
pub(super) fn write(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let mut header = point::HEADER.to_vec();
    header.extend(["pass", "index", "ns", "outlier", "disturbed"]);
    let rows = runs.iter().flat_map(|run| {
        let point = point::fields(run);
        samples::of(run).map(move |sample| {
            let mut fields = point.clone();
            fields.extend([
                sample.pass.to_owned(),
                sample.index.to_string(),
                sample.ns.to_string(),
                optional(sample.outlier),
                optional(sample.disturbed),
            ]);
            fields
        })
    });
    write_table(out, header, rows)
}
