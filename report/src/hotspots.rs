//! Which non-GEMM operators cost most: equal calls added up, composites as one operator.
//!
//! A composite that is counted as a whole (NewGELU, RMSNorm, frozen batch normalization) is shown as one
//! operator, the outermost one where they nest. The parts of other composites (attention written out)
//! stand for themselves.

use std::collections::HashMap;
use std::fmt::Write;

use nongemm_core::dtype::DType;
use nongemm_core::op::{Attrs, OpGroup, OpTraits};
use nongemm_core::record::{CompositeRow, OpRow, Profile};
use nongemm_core::shape::TensorSpec;

/// Equal calls of one operator or composite.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hotspot<'a> {
    /// The operator, or the composite.
    pub(crate) name: &'a str,
    /// For a composite, how many parts it has.
    pub(crate) parts: Option<usize>,
    /// The group that it is counted in.
    pub(crate) group: OpGroup,
    /// Inputs of the first call.
    pub(crate) inputs: &'a [TensorSpec],
    /// Attributes of the first call.
    pub(crate) attrs: &'a Attrs,
    /// Characteristics, where its definition is known.
    pub(crate) traits: Option<OpTraits>,
    /// Position of the first call among all calls.
    position: usize,
    /// Number of calls.
    pub(crate) calls: usize,
    /// Sum of the times of all calls, on the timeline that shares refer to.
    pub(crate) ns: f64,
    /// Sum of their times on the host.
    pub(crate) host_ns: f64,
}

/// The non-GEMM hotspots of a run, most expensive first.
pub(crate) fn non_gemm(profile: &Profile) -> Vec<Hotspot<'_>> {
    let mut by_key: HashMap<String, Hotspot<'_>> = HashMap::new();
    for (position, call) in calls(profile).into_iter().enumerate() {
        let first = call.rows[0];
        if matches!(first.group, OpGroup::Gemm | OpGroup::Mixed) {
            continue;
        }
        let spot = by_key.entry(call.key()).or_insert(Hotspot {
            name: call.composite.map_or(&first.op, |whole| &whole.op),
            parts: call.composite.map(|_| call.rows.len()),
            group: first.group,
            inputs: call.composite.map_or(&first.inputs, |whole| &whole.inputs),
            attrs: call.composite.map_or(&first.attrs, |whole| &whole.attrs),
            traits: call.composite.map_or(first.traits, |whole| whole.traits),
            position,
            calls: 0,
            ns: 0.0,
            host_ns: 0.0,
        });
        spot.calls += 1;
        for row in &call.rows {
            spot.ns += profile.time_of(row);
            spot.host_ns += row.host_ns.median;
        }
    }
    let mut spots: Vec<Hotspot<'_>> = by_key.into_values().collect();
    spots.sort_by(|a, b| {
        let by_time = b.ns.total_cmp(&a.ns);
        by_time.then_with(|| a.position.cmp(&b.position))
    });
    spots
}

/// One call: a row, or all rows of a composite that is counted as a whole.
struct Call<'a> {
    composite: Option<&'a CompositeRow>,
    rows: Vec<&'a OpRow>,
}

impl Call<'_> {
    /// Equal for calls of the same operator on the same inputs.
    fn key(&self) -> String {
        let mut key = self.composite.map_or("", |whole| &whole.op).to_owned();
        for row in &self.rows {
            let _ = write!(key, "|{}/{}", row.group, described(row));
        }
        key
    }
}

fn described(row: &OpRow) -> String {
    let specs: Vec<String> = row.inputs.iter().map(TensorSpec::to_string).collect();
    format!(
        "{}({};{};{})",
        row.op,
        specs.join(","),
        attrs(&row.attrs, &row.op),
        row.fused.join(",")
    )
}

fn calls(profile: &Profile) -> Vec<Call<'_>> {
    let composites: HashMap<&str, &CompositeRow> = profile
        .composites
        .iter()
        .map(|row| (row.id.as_str(), row))
        .collect();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    let mut calls: Vec<Call<'_>> = Vec::new();
    for row in &profile.ops {
        let whole = counted_whole(row, &composites);
        let known = whole.and_then(|whole| positions.get(whole.id.as_str()));
        if let Some(&position) = known {
            calls[position].rows.push(row);
            continue;
        }
        if let Some(whole) = whole {
            positions.insert(&whole.id, calls.len());
        }
        calls.push(Call {
            composite: whole,
            rows: vec![row],
        });
    }
    calls
}

/// The outermost composite of a row that is counted as a whole.
fn counted_whole<'a>(
    row: &OpRow,
    composites: &HashMap<&str, &'a CompositeRow>,
) -> Option<&'a CompositeRow> {
    let find = |id: &String| composites.get(id.as_str()).copied();
    let innermost = row.parent_id.as_ref().and_then(find);
    let chain = std::iter::successors(innermost, |row| row.parent_id.as_ref().and_then(find));
    chain.filter(|row| row.counted_whole).last()
}

/// Shapes of the inputs, with the dtype where it is not that of the run: `[8, 128] i64[8]`.
pub(crate) fn shapes(inputs: &[TensorSpec], usual: DType) -> String {
    let shown = inputs.iter().map(|spec| {
        if spec.dtype == usual {
            spec.shape.to_string()
        } else {
            spec.to_string()
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Attributes: `dim=-1 keepdim=true`. One that repeats the operator's name (a family's `kind`) is left
/// out, and so are notes for running a call alone: they hold values of operands.
pub(crate) fn attrs(attrs: &Attrs, op: &str) -> String {
    let shown = attrs
        .iter()
        .filter(|(_, value)| value.as_str() != Some(op) && !value.is_null() && !value.is_object())
        .map(|(key, value)| match value.as_str() {
            Some(text) => format!("{key}={text}"),
            None => format!("{key}={value}"),
        });
    shown.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::json;

    use super::*;

    fn row(op: &str, attrs: serde_json::Value, shape: [usize; 2]) -> OpRow {
        let time = json!({"median": 1.0, "own_median": 1.0, "mad": 0.0, "n": 1});
        let row = json!({"id": "n", "scope": "h.0", "op": op, "parent": null, "group": "arithmetic",
            "attrs": attrs, "inputs": [{"dtype": "f32", "shape": shape}], "outputs": [], "host_ns": time,
            "device_ns": null, "flops": null, "bytes": null});
        serde_json::from_value(row).unwrap()
    }

    /// Calls of ONNX Runtime carry the values of their small constants: a scale of each layer, a shape.
    #[test]
    fn calls_that_differ_in_values_alone_are_equal() {
        let scaled = |scale: f64, axis: i64| {
            let notes = json!({"opset": 20, "constants": {"1": {"dims": [], "data": [scale]}}});
            described(&row("Div", json!({"axis": axis, "onnx": notes}), [2, 3]))
        };
        assert_eq!(scaled(8.0, 1), scaled(4.0, 1));
        assert_ne!(scaled(8.0, 1), scaled(8.0, 0));
        let other = described(&row("Div", json!({"axis": 1}), [2, 4]));
        assert_ne!(scaled(8.0, 1), other);
    }
}
