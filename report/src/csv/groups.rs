//! `groups.csv`: one row per group of each run, `unattributed` among them.

use std::io::{self, Write};

use nongemm_core::record::RunRecord;

use super::{point, write_table};

/// Writes the table.
pub(super) fn write(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let mut header = point::HEADER.to_vec();
    header.extend(["group", "ns", "share", "count"]);
    let rows = runs.iter().flat_map(|run| {
        run.groups.iter().map(|(name, time)| {
            let mut fields = point::fields(run);
            fields.push(name.clone());
            fields.extend([
                time.ns.to_string(),
                time.share.to_string(),
                time.count.to_string(),
            ]);
            fields
        })
    });
    write_table(out, header, rows)
}
