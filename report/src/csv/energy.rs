//! `energy.csv`: one row per energy sensor of each run.

use std::io::{self, Write};

use nongemm_core::record::{Energy, EnergyRow, RunRecord};

use super::{point, write_table};

fn measured(run: &RunRecord) -> &[EnergyRow] {
    match &run.energy {
        Some(Energy::Measured(rows)) => rows,
        _ => &[],
    }
}

/// Whether any run has a row.
pub(super) fn is_measured(runs: &[RunRecord]) -> bool {
    runs.iter().any(|run| !measured(run).is_empty())
}

/// Writes the table.
pub(super) fn write(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let mut header = point::HEADER.to_vec();
    header.extend([
        "probe",
        "gross_j_per_inference",
        "idle_w",
        "net_j_per_inference",
        "windows",
        "resolution",
        "sensor",
        "part_of",
        "source",
        "update_period_ns",
        "inferences",
        "other_sensor",
        "difference",
    ]);
    let rows = runs.iter().flat_map(|run| {
        measured(run).iter().map(|row| {
            let mut fields = point::fields(run);
            fields.extend([
                row.probe.clone(),
                row.gross_j_per_inference.to_string(),
                row.idle_w.to_string(),
                row.net_j_per_inference.to_string(),
                row.windows.to_string(),
                row.resolution.clone(),
                row.sensor.clone(),
                row.part_of.clone().unwrap_or_default(),
                row.source.clone(),
                row.update_period_ns
                    .map_or_else(String::new, |ns| ns.to_string()),
                row.inferences.to_string(),
            ]);
            let other = row.reconciled.as_ref();
            fields.push(other.map_or_else(String::new, |o| format!("{} {}", o.probe, o.sensor)));
            fields.push(other.map_or_else(String::new, |o| o.difference.to_string()));
            fields
        })
    });
    write_table(out, header, rows)
}
