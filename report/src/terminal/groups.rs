//! How the time divides: GEMM against the rest in one bar, then every group.

use std::collections::BTreeMap;

use nongemm_core::op::OpGroup;
use nongemm_core::record::{OpRow, RunRecord, UNATTRIBUTED};

use super::chart::{bar, pieces};
use super::page::{Page, Style};
use super::table::{Align, Table, plain};
use crate::breakdown::Breakdown;
use crate::format::{NBSP, percent, time};

/// The widest that bars get.
const WIDEST: usize = 60;

/// One bar for the whole time, and its legend. `mixed` is named where there is any.
pub(super) fn shares(page: &mut Page, breakdown: &Breakdown<'_>) {
    let mut parts = vec![(
        "█",
        "GEMM",
        breakdown.gemm().share,
        Style::Group(Some(OpGroup::Gemm)),
    )];
    let mixed = breakdown.mixed();
    if mixed.count > 0 {
        parts.push(("▓", "mixed", mixed.share, Style::Group(Some(OpGroup::Mixed))));
    }
    let non_gemm = Style::Group(Some(OpGroup::Activation));
    parts.push(("▒", "non-GEMM", breakdown.non_gemm().share, non_gemm));
    if let Some(unattributed) = breakdown.unattributed {
        parts.push(("░", UNATTRIBUTED, unattributed.share, Style::Dim));
    }
    let values: Vec<f64> = parts.iter().map(|part| part.2).collect();
    let lengths = pieces(&values, page.width().min(100));
    let drawn: Vec<(Style, String)> = parts
        .iter()
        .zip(lengths)
        .map(|((block, _, _, style), length)| (*style, block.repeat(length)))
        .collect();
    let drawn: Vec<(Style, &str)> = drawn.iter().map(|(style, text)| (*style, text.as_str())).collect();
    page.line(&drawn);
    let legend: Vec<String> = parts
        .iter()
        .map(|(block, name, share, _)| format!("{block}{NBSP}{name}{NBSP}{}{NBSP}{NBSP}", percent(*share)))
        .collect();
    page.wrapped((Style::Plain, ""), 0, Style::Plain, &legend.join(" "));
}

/// A row with a bar for each group, `unattributed` last.
pub(super) fn table(page: &mut Page, run: &RunRecord, breakdown: &Breakdown<'_>) {
    let ops: &[OpRow] = run.profile.as_ref().map_or(&[], |profile| &profile.ops);
    let device = device_times(ops);
    let mut columns = vec![
        ("group", Align::Left),
        ("", Align::Left),
        ("share", Align::Right),
        (if device.is_empty() { "time" } else { "host" }, Align::Right),
    ];
    if !device.is_empty() {
        columns.push(("device", Align::Right));
    }
    columns.push(("operators", Align::Right));
    let mut table = Table::new(&columns, 1);
    let unattributed = breakdown
        .unattributed
        .map(|time| (UNATTRIBUTED, Style::Dim, time, None));
    let groups = breakdown.groups.iter().map(|line| {
        let device = line.group.and_then(|group| device.get(&group));
        (line.name, Style::Group(line.group), line.time, device)
    });
    let rows: Vec<_> = groups.chain(unattributed).collect();
    for (name, style, spent, device_ns) in &rows {
        let mut cells = vec![
            (*style, (*name).to_owned()),
            plain(""),
            plain(percent(spent.share)),
            plain(time(spent.ns)),
        ];
        if !device.is_empty() {
            cells.push(plain(device_ns.map_or(String::new(), |ns| time(*ns))));
        }
        let count = if *name == UNATTRIBUTED { String::new() } else { spent.count.to_string() };
        cells.push(plain(count));
        table.row(cells);
    }
    let width = table.flexible_room(page).min(WIDEST);
    let largest = rows.iter().map(|(_, _, spent, _)| spent.share).fold(0.0, f64::max);
    for (index, (_, style, spent, _)) in rows.iter().enumerate() {
        let drawn = bar(spent.share / largest, width);
        // Padded, so that the numbers stand at the same place in every run.
        table.set_flexible(index, (*style, format!("{drawn:width$}")));
    }
    table.write(page);
}

/// Device time by group; empty for runs on the host.
fn device_times(ops: &[OpRow]) -> BTreeMap<OpGroup, f64> {
    let mut times = BTreeMap::new();
    for row in ops {
        if let Some(device) = &row.device_ns {
            *times.entry(row.group).or_insert(0.0) += device.median;
        }
    }
    times
}
