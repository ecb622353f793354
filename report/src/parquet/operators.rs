//! `operators.parquet`: one row per operator of each run, in execution order.

use std::io::{self, Write};

use nongemm_core::record::{OpRow, Profile, RunRecord};

use super::point::{self, OfRun};
use super::table::{self, Column, Type, int};
use crate::values::{attrs, dtypes, shapes};

struct Row<'a> {
    run: &'a RunRecord,
    profile: &'a Profile,
    index: usize,
    op: &'a OpRow,
}

impl OfRun for Row<'_> {
    fn run(&self) -> &RunRecord {
        self.run
    }
}

/// Columns of an operator, named as in the record.
fn columns<'a>() -> Vec<Column<Row<'a>>> {
    let mut columns = point::columns::<Row<'a>>();
    columns.extend([
        ("index", Type::Int(|row: &Row<'a>| int(row.index))),
        ("id", Type::Text(|row| Some(row.op.id.clone()))),
        ("scope", Type::Text(|row| Some(row.op.scope.clone()))),
        ("op", Type::Text(|row| Some(row.op.op.clone()))),
        ("vocabulary", Type::Text(|row| row.op.vocabulary.clone())),
        ("parent", Type::Text(|row| row.op.parent.clone())),
        ("parent_id", Type::Text(|row| row.op.parent_id.clone())),
        ("group", Type::Text(|row| Some(row.op.group.to_string()))),
        (
            "part_group",
            Type::Text(|row| row.op.part_group.map(|group| group.to_string())),
        ),
        ("attrs", Type::Text(|row| attrs(row.op))),
        ("inputs", Type::Text(|row| Some(shapes(&row.op.inputs)))),
        (
            "inputs_dtype",
            Type::Text(|row| Some(dtypes(&row.op.inputs))),
        ),
        ("outputs", Type::Text(|row| Some(shapes(&row.op.outputs)))),
        (
            "outputs_dtype",
            Type::Text(|row| Some(dtypes(&row.op.outputs))),
        ),
        ("fused", Type::Text(|row| fused(row.op))),
        ("provider", Type::Text(|row| row.op.provider.clone())),
        (
            "host_ns_median",
            Type::Float(|row| Some(row.op.host_ns.median)),
        ),
        (
            "host_ns_own_median",
            Type::Float(|row| Some(row.op.host_ns.own_median)),
        ),
        ("host_ns_mad", Type::Float(|row| Some(row.op.host_ns.mad))),
        ("host_ns_n", Type::Int(|row| int(row.op.host_ns.n))),
        ("host_ns_se", Type::Float(|row| row.op.host_ns.se)),
        (
            "device_ns_median",
            Type::Float(|row| row.op.device_ns.map(|ns| ns.median)),
        ),
        (
            "device_ns_own_median",
            Type::Float(|row| row.op.device_ns.map(|ns| ns.own_median)),
        ),
        (
            "device_ns_mad",
            Type::Float(|row| row.op.device_ns.map(|ns| ns.mad)),
        ),
        (
            "device_ns_n",
            Type::Int(|row| row.op.device_ns.and_then(|ns| int(ns.n))),
        ),
        (
            "device_ns_se",
            Type::Float(|row| row.op.device_ns.and_then(|ns| ns.se)),
        ),
        ("flops", Type::Int(|row| row.op.flops.and_then(int))),
        ("bytes", Type::Int(|row| row.op.bytes.and_then(int))),
        ("traits", Type::Text(|row| traits(row.op))),
        ("share", Type::Float(share)),
    ]);
    columns
}

fn fused(op: &OpRow) -> Option<String> {
    (!op.fused.is_empty()).then(|| op.fused.join("; "))
}

fn traits(op: &OpRow) -> Option<String> {
    let names: Vec<&str> = op.traits?.names().collect();
    Some(names.join("; "))
}

/// The part of the wall time of the timeline that groups refer to.
fn share(row: &Row<'_>) -> Option<f64> {
    let wall = row.profile.timeline().wall_median_ns;
    (wall > 0.0).then(|| row.profile.time_of(row.op) / wall)
}

/// Writes the table.
pub(super) fn write(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let groups = runs.iter().map(|run| {
        let profiles = run.profile.iter();
        let rows = profiles.flat_map(|profile| {
            let ops = profile.ops.iter().enumerate();
            ops.map(move |(index, op)| Row {
                run,
                profile,
                index,
                op,
            })
        });
        rows.collect()
    });
    table::write("operators", &columns(), groups, out)
}
