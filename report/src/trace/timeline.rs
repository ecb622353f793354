//! The median run as slices: modules around composites around operators.

use std::collections::HashMap;
use std::io;

use nongemm_core::record::{CompositeRow, OpRow, Profile, UNATTRIBUTED};
use serde_json::{Map, Value, json};

use super::event::Events;
use crate::values::{dtypes, shapes};

/// Whose time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// The host's.
    Host,
    /// The device's.
    Device,
}

/// When each operator begins and ends, in whole nanoseconds from the start of the run: neighbours share a boundary.
pub(super) fn spans(profile: &Profile, clock: Clock) -> Vec<(u64, u64)> {
    let mut sum = 0.0;
    let mut end = 0;
    let mut spans = Vec::with_capacity(profile.ops.len());
    for op in &profile.ops {
        let ns = match clock {
            Clock::Host => op.host_ns.median,
            Clock::Device => op.device_ns.map_or(0.0, |ns| ns.median),
        };
        sum += if ns > 0.0 && ns.is_finite() { ns } else { 0.0 };
        let start = end;
        end = sum.round() as u64;
        spans.push((start, end));
    }
    spans
}

/// What an operator is in, outermost first: the parts of its module path, then composites. With a key that tells
/// equal names apart.
fn enclosing<'a>(
    op: &'a OpRow,
    composites: &HashMap<&str, &'a CompositeRow>,
) -> Vec<(&'a str, &'a str, &'static str)> {
    let mut path: Vec<(&str, &str, &'static str)> = Vec::new();
    let mut from = 0;
    for part in op.scope.split('.') {
        let to = from + part.len();
        if !part.is_empty() {
            path.push((&op.scope[..to], part, "module"));
        }
        from = to + 1;
    }
    let mut parents = Vec::new();
    let mut next = op.parent_id.as_deref();
    while let Some(whole) = next.and_then(|id| composites.get(id)) {
        // A record from elsewhere may name a composite as its own parent.
        if parents.len() > composites.len() {
            break;
        }
        parents.push((whole.id.as_str(), whole.op.as_str(), "composite"));
        next = whole.parent_id.as_deref();
    }
    path.extend(parents.into_iter().rev());
    path
}

/// Writes the slices of one track.
pub(super) fn write(
    profile: &Profile,
    clock: Clock,
    pid: usize,
    tid: usize,
    name: &str,
    events: &mut Events<'_>,
) -> io::Result<()> {
    events.name_track(pid, tid, name)?;
    let track = (pid, tid);
    let composites: HashMap<&str, &CompositeRow> = profile
        .composites
        .iter()
        .map(|whole| (whole.id.as_str(), whole))
        .collect();
    let spans = spans(profile, clock);
    let paths: Vec<_> = profile
        .ops
        .iter()
        .map(|op| enclosing(op, &composites))
        .collect();
    let mut previous = 0;
    for (index, (op, span)) in profile.ops.iter().zip(&spans).enumerate() {
        let path = &paths[index];
        let shared = match index {
            0 => 0,
            _ => common(path, &paths[index - 1]).min(previous),
        };
        for (depth, (key, part, category)) in path.iter().enumerate().skip(shared) {
            let last = last_in(&paths, index, depth);
            let whole = (span.0, spans[last].1);
            events.slice(track, whole, (part, category), json!({ "path": key }))?;
        }
        previous = path.len();
        events.slice(track, *span, (&op.op, op.group.name()), args(op))?;
    }
    let end = spans.last().map_or(0, |span| span.1);
    let wall = match (clock, &profile.device) {
        (Clock::Device, Some(device)) => device.wall_median_ns,
        _ => profile.wall_median_ns,
    };
    let wall = wall.max(0.0).round() as u64;
    if wall > end {
        events.slice(track, (end, wall), (UNATTRIBUTED, UNATTRIBUTED), json!({}))?;
    }
    Ok(())
}

/// How many of the outermost of two paths are the same.
fn common<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The last operator in a row, from `index` on, that is in the same module or composite down to `depth`.
fn last_in<T: PartialEq>(paths: &[Vec<T>], index: usize, depth: usize) -> usize {
    let outer = &paths[index][..=depth];
    let inside = |path: &&Vec<T>| path.get(..=depth).is_some_and(|start| start == outer);
    let count = paths[index..].iter().take_while(inside).count();
    index + count.saturating_sub(1)
}

fn args(op: &OpRow) -> Value {
    let mut args = Map::new();
    let mut add = |name: &str, value: Value| {
        if !value.is_null() {
            args.insert(name.to_owned(), value);
        }
    };
    add("id", json!(op.id));
    add("group", json!(op.group.name()));
    add("inputs", json!(shapes(&op.inputs)));
    add("inputs_dtype", json!(dtypes(&op.inputs)));
    add("outputs", json!(shapes(&op.outputs)));
    if !op.attrs.is_empty() {
        add("attrs", Value::Object(op.attrs.clone()));
    }
    add("flops", json!(op.flops));
    add("bytes", json!(op.bytes));
    add("host_ns_own_median", json!(op.host_ns.own_median));
    add("host_ns_mad", json!(op.host_ns.mad));
    add("n", json!(op.host_ns.n));
    add("provider", json!(op.provider));
    if !op.fused.is_empty() {
        add("fused", json!(op.fused.join("; ")));
    }
    Value::Object(args)
}
