//! The reporter `workload`: which operators ran, on which shapes, how often. Section 3.2.4 of the paper.

use std::collections::BTreeMap;
use std::io::{self, Write};

use nongemm_core::op::OpGroup;
use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::{Profile, RunRecord};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;

use crate::output;

/// Writes one Markdown table for each run: every operator with the shapes that were seen, equal calls added up.
pub struct WorkloadReporter;

register!(dyn Reporter, &WorkloadReporter);

impl Reporter for WorkloadReporter {
    fn id(&self) -> &'static str {
        "workload"
    }

    fn summary(&self) -> &'static str {
        "operators with the shapes seen at run time and how often, as Markdown (workload.md in a folder)"
    }

    fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()> {
        output::document(target, "workload.md", |out| {
            writeln!(out, "# Workload")?;
            runs.iter().try_for_each(|run| write(run, out))
        })
    }
}

fn write(run: &RunRecord, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n## {}\n", run.id)?;
    let Some(profile) = &run.profile else {
        return writeln!(out, "No operators: {}", reason(run));
    };
    writeln!(
        out,
        "| group | operator | inputs | outputs | calls | FLOPs | bytes |"
    )?;
    writeln!(out, "|---|---|---|---|---:|---:|---:|")?;
    let rows = rows(profile);
    let calls: usize = rows.values().map(|row| row.calls).sum();
    for ((_, group, operator, inputs, outputs), row) in rows {
        writeln!(
            out,
            "| {group} | {operator} | {inputs} | {outputs} | {} | {} | {} |",
            row.calls,
            number(row.flops),
            number(row.bytes)
        )?;
    }
    writeln!(out, "\n{calls} calls.")
}

/// Why a run has nothing to show, on one line.
pub(crate) fn reason(run: &RunRecord) -> String {
    let error = run.error.as_deref().unwrap_or("it was not profiled");
    error.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

fn number(count: Option<u64>) -> String {
    count.map_or_else(|| "–".to_owned(), |count| count.to_string())
}

/// Position of the group in reports, group, operator, inputs, outputs.
type Key = (usize, OpGroup, String, String, String);

#[derive(Default)]
struct Row {
    calls: usize,
    flops: Option<u64>,
    bytes: Option<u64>,
}

fn rows(profile: &Profile) -> BTreeMap<Key, Row> {
    let mut rows: BTreeMap<Key, Row> = BTreeMap::new();
    for op in &profile.ops {
        let position = OpGroup::ALL.iter().position(|group| *group == op.group);
        let key = (
            position.unwrap_or(OpGroup::ALL.len()),
            op.group,
            op.op.clone(),
            specs(&op.inputs),
            specs(&op.outputs),
        );
        let row = rows.entry(key).or_default();
        row.calls += 1;
        // Of one call: equal shapes are equal work, but for what the data decide.
        row.flops = row.flops.max(op.flops);
        row.bytes = row.bytes.max(op.bytes);
    }
    rows
}

/// Specs as the library prints them, separated by blanks.
pub(crate) fn specs(specs: &[TensorSpec]) -> String {
    let specs: Vec<String> = specs.iter().map(ToString::to_string).collect();
    specs.join(" ")
}
