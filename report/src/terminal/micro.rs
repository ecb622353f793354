//! Operators alone: what each group costs, which calls cost most, what was not measured and why.

use std::collections::BTreeMap;

use nongemm_core::dtype::DType;
use nongemm_core::op::OpGroup;
use nongemm_core::plugin::Terminal;
use nongemm_core::record::{AloneTimes, MicroEntry, MicroRecord, Outcome};
use nongemm_core::shape::TensorSpec;

use super::page::{Page, Style};
use super::table::{Align, Table, plain};
use crate::format::{half_width, millijoules, percent, significant, time};
use crate::hotspots::{attrs, shapes};

/// Rows of the table of calls.
const CALLS: usize = 25;

/// Different reasons that are shown for what was not measured.
const REASONS: usize = 12;

/// A record as tables.
pub fn micro_table(record: &MicroRecord, terminal: Terminal) -> String {
    let mut page = Page::new(terminal);
    headline(&mut page, record);
    groups(&mut page, record);
    calls(&mut page, record);
    inside(&mut page, record);
    group_energy(&mut page, record);
    reasons(&mut page, record);
    page.finish()
}

fn measured(record: &MicroRecord) -> impl Iterator<Item = (&MicroEntry, &AloneTimes)> {
    let entries = record.entries.iter();
    entries.filter_map(|entry| Some((entry, entry.outcome.times()?)))
}

fn headline(page: &mut Page, record: &MicroRecord) {
    let spec = &record.spec;
    let what = format!(
        "{} on {}, {}, {} threads: operators alone",
        spec.backend,
        spec.device,
        spec.dtype.map_or("types as met", DType::name),
        spec.threads
    );
    page.line(&[(Style::Bold, &what)]);
    let count = |wanted: fn(&Outcome) -> bool| {
        let entries = record.entries.iter();
        entries.filter(|entry| wanted(&entry.outcome)).count()
    };
    let counts = format!(
        "{} measured, {} refused, {} failed; reading the clock takes {}, a run of no operator {}",
        count(|outcome| matches!(outcome, Outcome::Ok(_))),
        count(|outcome| matches!(outcome, Outcome::Refused { .. })),
        count(|outcome| matches!(outcome, Outcome::Failed { .. })),
        time(record.clock.read_ns as f64),
        match &record.overhead {
            Some(series) => time(series.median_ns),
            None => "an unknown time".to_owned(),
        }
    );
    page.line(&[(Style::Plain, &counts)]);
    if record.machine.ceilings.is_empty() {
        let how = "shares of the roofline need `nongemm machine` to be run first";
        page.line(&[(Style::Dim, how)]);
    }
    if let Some(reason) = &record.energy_unavailable
        && record.spec.energy
    {
        page.line(&[(Style::Dim, &format!("no energy: {reason}"))]);
    }
}

fn groups(page: &mut Page, record: &MicroRecord) {
    let mut sums: BTreeMap<Option<OpGroup>, (usize, f64, f64)> = BTreeMap::new();
    for (entry, times) in measured(record) {
        let sum = sums.entry(entry.group).or_default();
        sum.0 += 1;
        sum.1 += times.ns();
        sum.2 += times
            .cold
            .as_ref()
            .map_or(times.ns(), |cold| cold.median_ns);
    }
    let mut table = Table::new(
        &[
            ("group", Align::Left),
            ("calls", Align::Right),
            ("one of each", Align::Right),
            ("cold", Align::Right),
        ],
        0,
    );
    let mut rows: Vec<_> = sums.into_iter().collect();
    rows.sort_by(|a, b| b.1.1.total_cmp(&a.1.1));
    for (group, (count, hot, cold)) in rows {
        table.row(vec![
            (
                Style::Group(group),
                group.map_or("unknown", OpGroup::name).to_owned(),
            ),
            plain(count.to_string()),
            plain(time(hot)),
            plain(time(cold)),
        ]);
    }
    page.blank();
    table.write(page);
}

fn calls(page: &mut Page, record: &MicroRecord) {
    let mut all: Vec<_> = measured(record).collect();
    all.sort_by(|a, b| b.1.ns().total_cmp(&a.1.ns()));
    let mut columns = vec![
        ("operator", Align::Left),
        ("inputs", Align::Left),
        ("time", Align::Right),
        ("±", Align::Right),
        ("cold", Align::Right),
        ("GB/s", Align::Right),
        ("GFLOP/s", Align::Right),
        ("roof", Align::Right),
    ];
    let with_energy = all.iter().any(|(_, times)| !times.energy.is_empty());
    columns.extend(with_energy.then_some(("net energy", Align::Right)));
    let mut table = Table::new(&columns, 1);
    let usual = record.spec.dtype.unwrap_or(DType::F32);
    for (entry, times) in all.iter().take(CALLS) {
        let series = times.device.as_ref().unwrap_or(&times.hot);
        let rate = |rate: Option<f64>| rate.map_or_else(String::new, |r| significant(r / 1e9, 3));
        let call = &entry.call;
        let described = [shapes(&call.inputs, usual), attrs(&call.attrs, &call.op)];
        let roof = entry.roofline.map_or_else(String::new, percent);
        let mut row = vec![
            (Style::Group(entry.group), call.op.clone()),
            plain(described.join(" ")),
            plain(time(series.median_ns)),
            plain(half_width(series.ci95_ns, series.median_ns)),
            plain(
                times
                    .cold
                    .as_ref()
                    .map_or_else(String::new, |s| time(s.median_ns)),
            ),
            plain(rate(entry.bytes_per_s)),
            plain(rate(entry.flops_per_s)),
            plain(roof),
        ];
        row.extend(with_energy.then(|| plain(energy(times))));
        table.row(row);
    }
    if all.is_empty() {
        return;
    }
    page.blank();
    table.write(page);
    if all.len() > CALLS {
        let rest = format!("  and {} more in micro.json", all.len() - CALLS);
        page.line(&[(Style::Dim, &rest)]);
    }
}

/// Joules of a call above idle, of the first sensor.
fn energy(times: &AloneTimes) -> String {
    let row = times.energy.first();
    row.map_or_else(String::new, |row| millijoules(row.net_j_per_inference))
}

/// The calls that runs of models spend most time in, beside the same calls alone.
fn inside(page: &mut Page, record: &MicroRecord) {
    let mut all: Vec<_> = record
        .entries
        .iter()
        .flat_map(|entry| entry.in_model.iter().map(move |inside| (entry, inside)))
        .collect();
    if all.is_empty() {
        return;
    }
    all.sort_by(|a, b| {
        let total = |inside: &nongemm_core::record::InModel| inside.ns * inside.count as f64;
        total(b.1).total_cmp(&total(a.1))
    });
    let mut table = Table::new(
        &[
            ("operator", Align::Left),
            ("inputs", Align::Left),
            ("model", Align::Left),
            ("calls", Align::Right),
            ("in model", Align::Right),
            ("in model / alone", Align::Right),
        ],
        1,
    );
    let usual = record.spec.dtype.unwrap_or(DType::F32);
    for (entry, inside) in all.iter().take(CALLS) {
        let [low, high] = inside.ratio_ci95;
        table.row(vec![
            (Style::Group(entry.group), entry.call.op.clone()),
            plain(shapes(&entry.call.inputs, usual)),
            plain(inside.model.clone()),
            plain(inside.count.to_string()),
            plain(time(inside.ns)),
            plain(format!("{:.2} [{low:.2}, {high:.2}]", inside.ratio)),
        ]);
    }
    page.blank();
    table.write(page);
    let sized = all.iter().filter(|(_, inside)| !inside.outputs.is_empty());
    for (entry, inside) in sized {
        let alone = entry.outcome.times().map(|times| times.outputs.as_slice());
        let list = |specs: &[TensorSpec]| shapes(specs, DType::I64);
        let line = format!(
            "  {} {}: the data decide its output, {} in {}, {} alone",
            entry.call.op,
            shapes(&entry.call.inputs, usual),
            list(&inside.outputs),
            inside.model,
            list(alone.unwrap_or_default())
        );
        page.line(&[(Style::Dim, &line)]);
    }
}

/// Net energy of the groups of models, from their operators alone, beside the model as one.
fn group_energy(page: &mut Page, record: &MicroRecord) {
    for found in &record.group_energy {
        let groups = found.groups.iter();
        let groups: Vec<String> = groups
            .map(|(group, j)| format!("{} {}", group.name(), millijoules(*j)))
            .collect();
        let line = format!(
            "{} ({} {}): {}; the model as one {}, residual {}; covers {} of the operators' time",
            found.model,
            found.probe,
            found.sensor,
            groups.join(", "),
            millijoules(found.whole_j),
            millijoules(found.residual_j),
            percent(found.covered)
        );
        page.blank();
        page.line(&[(Style::Plain, &line)]);
    }
}

fn reasons(page: &mut Page, record: &MicroRecord) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &record.entries {
        let reason = match &entry.outcome {
            Outcome::Ok(_) => continue,
            Outcome::Refused { reason } => format!("refused: {}: {reason}", entry.call.op),
            Outcome::Failed { reason } => format!("failed: {}: {reason}", entry.call.op),
        };
        *counts.entry(reason).or_default() += 1;
    }
    if counts.is_empty() {
        return;
    }
    page.blank();
    for (reason, count) in counts.iter().take(REASONS) {
        page.line(&[(Style::Warning, &format!("{count} {reason}"))]);
    }
    if counts.len() > REASONS {
        let rest = format!("and {} other reasons in micro.json", counts.len() - REASONS);
        page.line(&[(Style::Dim, &rest)]);
    }
}
