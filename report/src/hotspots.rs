//! Which non-GEMM operators cost most: equal calls added up, composites as one operator.
//!
//! A composite is shown as one operator if all its parts are counted in one group, that of the whole
//! (NewGELU, RMSNorm, frozen batch normalization). The parts of other composites (attention written
//! out) stand for themselves.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use nongemm_core::dtype::DType;
use nongemm_core::op::{Attrs, OpGroup};
use nongemm_core::record::OpRow;
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
    /// The row of the operator, or of the first part, of the first call.
    pub(crate) first: &'a OpRow,
    /// Number of calls.
    pub(crate) calls: usize,
    /// Sum of the host times of all calls.
    pub(crate) host_ns: f64,
    /// Sum of the device times, where there are any.
    pub(crate) device_ns: Option<f64>,
}

/// The non-GEMM hotspots of a run, most expensive first.
pub(crate) fn non_gemm(ops: &[OpRow]) -> Vec<Hotspot<'_>> {
    let mut by_key: HashMap<String, Hotspot<'_>> = HashMap::new();
    for call in calls(ops) {
        let first = call.rows[0];
        if matches!(first.group, OpGroup::Gemm | OpGroup::Mixed) {
            continue;
        }
        let spot = by_key.entry(call.key()).or_insert(Hotspot {
            name: call.composite.unwrap_or(&first.op),
            parts: call.composite.map(|_| call.rows.len()),
            group: first.group,
            first,
            calls: 0,
            host_ns: 0.0,
            device_ns: None,
        });
        spot.calls += 1;
        for row in &call.rows {
            spot.host_ns += row.host_ns.median;
            if let Some(device) = &row.device_ns {
                *spot.device_ns.get_or_insert(0.0) += device.median;
            }
        }
    }
    let mut spots: Vec<Hotspot<'_>> = by_key.into_values().collect();
    spots.sort_by(|a, b| {
        let by_time = b.host_ns.total_cmp(&a.host_ns);
        by_time.then_with(|| a.first.id.cmp(&b.first.id))
    });
    spots
}

/// One call: a row, or all rows of a composite that is counted as a whole.
struct Call<'a> {
    composite: Option<&'a str>,
    rows: Vec<&'a OpRow>,
}

impl Call<'_> {
    /// Equal for calls of the same operator on the same inputs.
    fn key(&self) -> String {
        let mut key = self.composite.unwrap_or_default().to_owned();
        for row in &self.rows {
            let _ = write!(key, "|{}/{}", row.group, described(row));
        }
        key
    }
}

fn described(row: &OpRow) -> String {
    let specs: Vec<String> = row.inputs.iter().map(TensorSpec::to_string).collect();
    let attrs: Vec<String> = row.attrs.iter().map(|(k, v)| format!("{k}={v}")).collect();
    format!(
        "{}({};{};{})",
        row.op,
        specs.join(","),
        attrs.join(","),
        row.fused.join(",")
    )
}

fn calls(ops: &[OpRow]) -> Vec<Call<'_>> {
    let mut composites: BTreeMap<&str, Vec<&OpRow>> = BTreeMap::new();
    for row in ops {
        if let Some(id) = &row.parent_id {
            composites.entry(id).or_default().push(row);
        }
    }
    composites.retain(|_, rows| is_counted_whole(rows));
    let mut calls = Vec::new();
    for row in ops {
        let whole = row
            .parent_id
            .as_deref()
            .filter(|id| composites.contains_key(id));
        match whole {
            // All rows of a composite go with its first.
            Some(id) => {
                if let Some(rows) = composites
                    .get_mut(id)
                    .map(std::mem::take)
                    .filter(|r| !r.is_empty())
                {
                    let composite = row.parent.as_deref();
                    calls.push(Call { composite, rows });
                }
            }
            None => calls.push(Call {
                composite: None,
                rows: vec![row],
            }),
        }
    }
    calls
}

fn is_counted_whole(rows: &[&OpRow]) -> bool {
    let same_group = rows.windows(2).all(|pair| pair[0].group == pair[1].group);
    same_group && (rows.len() > 1 || rows[0].part_group.is_some())
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
/// out.
pub(crate) fn attrs(attrs: &Attrs, op: &str) -> String {
    let shown = attrs
        .iter()
        .filter(|(_, value)| value.as_str() != Some(op) && !value.is_null())
        .map(|(key, value)| match value.as_str() {
            Some(text) => format!("{key}={text}"),
            None => format!("{key}={value}"),
        });
    shown.collect::<Vec<_>>().join(" ")
}
