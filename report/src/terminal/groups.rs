//! How the time divides: GEMM against the rest in one bar, then every group.

use std::collections::BTreeMap;

use nongemm_core::op::OpGroup;
use nongemm_core::record::{GroupShare, Profile, RunRecord, UNATTRIBUTED};

use super::chart::{bar, pieces};
use super::page::{Page, Style};
use super::table::{Align, Table, plain};
use crate::breakdown::{Breakdown, GroupLine};
use crate::format::{NBSP, percent, time};

/// The longest that the bars of groups get.
const WIDEST: usize = 60;

/// The longest that the bar of the whole gets.
const LONGEST: usize = 100;

/// What the bar of the whole is drawn with.
const GEMM: &str = "█";
const MIXED: &str = "▓";
const NON_GEMM: &str = "▒";
const REST: &str = "░";

/// One bar for the whole time, and its legend. `mixed` is named where there is any.
pub(super) fn shares(page: &mut Page, breakdown: &Breakdown<'_>) {
    let mut legend = vec![entry(GEMM, "GEMM", &breakdown.gemm())];
    if breakdown.mixed().count > 0 {
        legend.push(entry(MIXED, "mixed", &breakdown.mixed()));
    }
    legend.push(entry(NON_GEMM, "non-GEMM", &breakdown.non_gemm()));
    let mut parts: Vec<(&str, Style, f64)> = breakdown
        .groups
        .iter()
        .map(|line| (block(line), Style::Group(line.group), line.time.share))
        .collect();
    if let Some(unattributed) = &breakdown.unattributed {
        legend.push(entry(REST, UNATTRIBUTED, unattributed));
        parts.push((REST, Style::Dim, unattributed.share));
    }
    let shares: Vec<f64> = parts.iter().map(|(_, _, share)| *share).collect();
    let lengths = pieces(&shares, page.width().min(LONGEST));
    let drawn: Vec<(Style, String)> = parts
        .iter()
        .zip(lengths)
        .map(|((block, style, _), length)| (*style, block.repeat(length)))
        .collect();
    let drawn: Vec<(Style, &str)> = drawn
        .iter()
        .map(|(style, text)| (*style, text.as_str()))
        .collect();
    page.line(&drawn);
    page.wrapped((Style::Plain, ""), 0, Style::Plain, &legend.join(" "));
}

fn block(line: &GroupLine<'_>) -> &'static str {
    match line.group {
        Some(OpGroup::Gemm) => GEMM,
        Some(OpGroup::Mixed) => MIXED,
        _ => NON_GEMM,
    }
}

/// `█ GEMM 71.3%`, which is not broken over lines.
fn entry(block: &str, name: &str, time: &GroupShare) -> String {
    let share = percent(time.share);
    format!("{block}{NBSP}{name}{NBSP}{share}{NBSP}{NBSP}")
}

/// A row with a bar for each group, `unattributed` last.
pub(super) fn table(page: &mut Page, run: &RunRecord, breakdown: &Breakdown<'_>) {
    let host = run.profile.as_ref().and_then(host_times);
    let mut columns = vec![
        ("group", Align::Left),
        ("", Align::Left),
        ("share", Align::Right),
    ];
    if host.is_some() {
        columns.push(("host", Align::Right));
    }
    let title = if host.is_some() { "device" } else { "time" };
    columns.push((title, Align::Right));
    columns.push(("operators", Align::Right));
    let mut table = Table::new(&columns, 1);
    let unattributed = breakdown
        .unattributed
        .map(|time| (UNATTRIBUTED, Style::Dim, time));
    let groups = breakdown
        .groups
        .iter()
        .map(|line| (line.name, Style::Group(line.group), line.time));
    let rows: Vec<_> = groups.chain(unattributed).collect();
    for (name, style, spent) in &rows {
        let mut cells = vec![
            (*style, (*name).to_owned()),
            plain(""),
            plain(percent(spent.share)),
        ];
        if let Some(host) = &host {
            let ns = host.get(name).copied();
            cells.push(plain(ns.map_or(String::new(), time)));
        }
        cells.push(plain(time(spent.ns)));
        let count = if *name == UNATTRIBUTED {
            String::new()
        } else {
            spent.count.to_string()
        };
        cells.push(plain(count));
        table.row(cells);
    }
    let width = table.flexible_room(page).min(WIDEST);
    let largest = rows
        .iter()
        .map(|(_, _, spent)| spent.share)
        .fold(0.0, f64::max);
    for (index, (_, style, spent)) in rows.iter().enumerate() {
        let drawn = bar(spent.share / largest, width);
        // Padded, so that the numbers stand at the same place in every run.
        table.set_flexible(index, (*style, format!("{drawn:width$}")));
    }
    table.write(page);
}

/// Host time by group, and the host's unattributed time, where shares refer to a device.
fn host_times(profile: &Profile) -> Option<BTreeMap<&'static str, f64>> {
    profile.device?;
    let mut times = BTreeMap::from([(UNATTRIBUTED, profile.unattributed_ns)]);
    for row in &profile.ops {
        *times.entry(row.group.name()).or_insert(0.0) += row.host_ns.median;
    }
    Some(times)
}
