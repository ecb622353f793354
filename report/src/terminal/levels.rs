//! Two runs of one model that differ only in how far a library rewrote it: which non-GEMM operators the
//! rewriting fused, which it removed, which remain.

use std::collections::BTreeMap;

use nongemm_core::op::OpGroup;
use nongemm_core::record::{OpRow, RunRecord, RunSpec, Status};

use super::page::{Page, Style};
use super::table::{Align, Table, plain};
use crate::format::time;

/// The mode by which flows say how far they rewrite.
const MODE: &str = "optimization";

/// What became of the calls of one operator.
#[derive(Clone, Debug, Default, PartialEq)]
struct Fate {
    /// Calls before, and their time.
    before: (usize, f64),
    /// Calls that another kernel does the work of now.
    fused: usize,
    /// Calls that remain, and their time.
    remain: (usize, f64),
}

/// A table for each pair of levels, the one that fuses least being what the others are compared with.
pub(super) fn tables(page: &mut Page, runs: &[RunRecord]) {
    for (base, other) in pairs(runs) {
        let (Some(before), Some(after)) = (&base.profile, &other.profile) else {
            continue;
        };
        page.blank();
        let title = format!(
            "{} on {}, {MODE} {} → {}: non-GEMM operators",
            base.spec.model,
            base.spec.backend,
            level(base).unwrap_or_default(),
            level(other).unwrap_or_default()
        );
        page.line(&[(Style::Plain, &title)]);
        let mut table = Table::new(
            &[
                ("operator", Align::Left),
                ("calls", Align::Right),
                ("time", Align::Right),
                ("fused", Align::Right),
                ("removed", Align::Right),
                ("remain", Align::Right),
                ("time", Align::Right),
            ],
            0,
        );
        for (op, fate) in fates(&before.ops, &after.ops) {
            let removed = fate.before.0 - fate.fused - fate.remain.0;
            table.row(vec![
                plain(op),
                plain(fate.before.0.to_string()),
                plain(time(fate.before.1)),
                plain(fate.fused.to_string()),
                plain(removed.to_string()),
                plain(fate.remain.0.to_string()),
                plain(time(fate.remain.1)),
            ]);
        }
        table.write(page);
    }
}

/// Each run with the one of the same model that was rewritten least.
fn pairs(runs: &[RunRecord]) -> Vec<(&RunRecord, &RunRecord)> {
    let fused = |run: &RunRecord| {
        let ops = run.profile.iter().flat_map(|profile| &profile.ops);
        ops.map(|row| row.fused.len()).sum::<usize>()
    };
    let mut alike: Vec<(RunSpec, Vec<&RunRecord>)> = Vec::new();
    let ok = runs
        .iter()
        .filter(|run| run.status == Status::Ok && level(run).is_some());
    for run in ok {
        let spec = RunSpec {
            settings: BTreeMap::new(),
            ..run.spec.clone()
        };
        match alike.iter_mut().find(|(other, _)| *other == spec) {
            Some((_, list)) => list.push(run),
            None => alike.push((spec, vec![run])),
        }
    }
    let mut pairs = Vec::new();
    for (_, mut list) in alike {
        list.sort_by_key(|run| fused(run));
        let Some((base, others)) = list.split_first() else {
            continue;
        };
        let differ = others.iter().filter(|other| level(other) != level(base));
        pairs.extend(differ.map(|other| (*base, *other)));
    }
    pairs
}

fn level(run: &RunRecord) -> Option<&str> {
    run.software.modes.get(MODE).map(String::as_str)
}

/// The fate of each non-GEMM operator, the most expensive first. Calls are paired by the node that they
/// come from.
fn fates<'r>(before: &'r [OpRow], after: &'r [OpRow]) -> Vec<(&'r str, Fate)> {
    let mut left: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    let mut inside: BTreeMap<&str, usize> = BTreeMap::new();
    for row in after {
        let times = left.entry((node(&row.id), row.op.as_str())).or_default();
        times.push(row.host_ns.median);
        for op in &row.fused {
            *inside.entry(op).or_default() += 1;
        }
    }
    let mut fates: BTreeMap<&str, Fate> = BTreeMap::new();
    for row in before {
        if matches!(row.group, OpGroup::Gemm | OpGroup::Mixed) {
            continue;
        }
        let fate = fates.entry(row.op.as_str()).or_default();
        fate.before.0 += 1;
        fate.before.1 += row.host_ns.median;
        let remains = left.get_mut(&(node(&row.id), row.op.as_str()));
        if let Some(ns) = remains.and_then(Vec::pop) {
            fate.remain.0 += 1;
            fate.remain.1 += ns;
        } else if let Some(count) = inside.get_mut(row.op.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            fate.fused += 1;
        }
    }
    let mut fates: Vec<_> = fates.into_iter().collect();
    fates.sort_by(|(_, a), (_, b)| b.before.1.total_cmp(&a.before.1));
    fates
}

/// An id without the number that tells calls of one node apart.
fn node(id: &str) -> &str {
    match id.rsplit_once('.') {
        Some((node, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => node,
        _ => id,
    }
}
