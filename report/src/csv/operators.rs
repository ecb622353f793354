//! `operators.csv`: one row per operator of each run, in execution order.

use std::io::{self, Write};

use nongemm_core::record::{OpRow, Profile, RunRecord};

use super::{optional, point, write_table};
use crate::values::{attrs, dtypes, shapes};

/// A column: its title and its value.
type Column = (&'static str, fn(&OpRow) -> String);

/// Columns of an operator, named as in the record.
pub(super) const COLUMNS: [Column; 28] = [
    ("id", |op| op.id.clone()),
    ("scope", |op| op.scope.clone()),
    ("op", |op| op.op.clone()),
    ("vocabulary", |op| optional(op.vocabulary.as_ref())),
    ("parent", |op| optional(op.parent.as_ref())),
    ("parent_id", |op| optional(op.parent_id.as_ref())),
    ("group", |op| op.group.to_string()),
    ("part_group", |op| optional(op.part_group)),
    ("attrs", |op| attrs(op).unwrap_or_default()),
    ("inputs", |op| shapes(&op.inputs)),
    ("inputs_dtype", |op| dtypes(&op.inputs)),
    ("outputs", |op| shapes(&op.outputs)),
    ("outputs_dtype", |op| dtypes(&op.outputs)),
    ("fused", |op| op.fused.join("; ")),
    ("provider", |op| optional(op.provider.as_ref())),
    ("host_ns_median", |op| op.host_ns.median.to_string()),
    ("host_ns_own_median", |op| op.host_ns.own_median.to_string()),
    ("host_ns_mad", |op| op.host_ns.mad.to_string()),
    ("host_ns_n", |op| op.host_ns.n.to_string()),
    ("host_ns_se", |op| optional(op.host_ns.se)),
    ("device_ns_median", |op| {
        optional(op.device_ns.map(|ns| ns.median))
    }),
    ("device_ns_own_median", |op| {
        optional(op.device_ns.map(|ns| ns.own_median))
    }),
    ("device_ns_mad", |op| {
        optional(op.device_ns.map(|ns| ns.mad))
    }),
    ("device_ns_n", |op| optional(op.device_ns.map(|ns| ns.n))),
    ("device_ns_se", |op| {
        optional(op.device_ns.and_then(|ns| ns.se))
    }),
    ("flops", |op| optional(op.flops)),
    ("bytes", |op| optional(op.bytes)),
    ("traits", |op| {
        let names = op.traits.map(|traits| traits.names().collect::<Vec<_>>());
        names.unwrap_or_default().join("; ")
    }),
];

/// Writes the table: which run, the columns of the operator, and its share of the wall time of the
/// timeline that groups refer to.
pub(super) fn write(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let mut header = point::HEADER.to_vec();
    header.extend(COLUMNS.map(|(title, _)| title));
    header.push("share");
    let profiled = runs
        .iter()
        .filter_map(|run| Some((run, run.profile.as_ref()?)));
    let rows = profiled.flat_map(|(run, profile)| {
        let row = move |op| fields(run, profile, op);
        profile.ops.iter().map(row)
    });
    write_table(out, header, rows)
}

fn fields(run: &RunRecord, profile: &Profile, op: &OpRow) -> Vec<String> {
    let mut fields = point::fields(run);
    fields.extend(COLUMNS.map(|(_, value)| value(op)));
    let wall = profile.timeline().wall_median_ns;
    let share = if wall > 0.0 {
        profile.time_of(op) / wall
    } else {
        0.0
    };
    fields.push(share.to_string());
    fields
}
