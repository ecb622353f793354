//! Operators inside models beside the same operators alone.

use std::collections::{BTreeMap, HashMap};

use super::micro::{AloneTimes, InModel, MicroRecord, MicroSpec, call_key};
use super::profile::{CompositeRow, OpRow, Profile};
use super::schema::{RunRecord, Status};
use crate::op::OpInstance;
use crate::registry::IR;
use crate::shape::TensorSpec;
use crate::stats::Summary;

/// Times of equal calls of one run: the sums of their medians and of the bounds of their intervals.
#[derive(Clone, Debug, Default)]
struct Calls {
    count: usize,
    host: [f64; 3],
    device: Option<[f64; 3]>,
    /// Of the first call.
    outputs: Vec<TensorSpec>,
}

impl Calls {
    fn add(&mut self, row: &OpRow) {
        let sum = |mut total: [f64; 3], time: &Summary| {
            let [low, high] = time.own_ci95.unwrap_or([time.own_median; 2]);
            for (total, ns) in total.iter_mut().zip([time.own_median, low, high]) {
                *total += ns;
            }
            total
        };
        self.host = sum(self.host, &row.host_ns);
        if let Some(time) = &row.device_ns {
            self.device = Some(sum(self.device.unwrap_or_default(), time));
        }
    }
}

/// Fills [`MicroEntry::in_model`](super::MicroEntry::in_model) with the calls of runs on the same backend,
/// device and number of threads. Times are by the same clock on both sides: that of the steps of
/// instrumented runs, on the device where it has one.
pub fn compare(record: &mut MicroRecord, runs: &[RunRecord]) {
    for entry in &mut record.entries {
        entry.in_model.clear();
    }
    let spec = record.spec.clone();
    for run in runs.iter().filter(|run| comparable(&spec, run)) {
        let Some(profile) = &run.profile else {
            continue;
        };
        let calls = by_call(profile);
        for entry in &mut record.entries {
            let (Some(times), Some(calls)) = (entry.outcome.times(), calls.get(&entry.key()))
            else {
                continue;
            };
            entry.in_model.extend(ratio(run, calls, times));
        }
    }
}

/// Whether a run's operators are those of a record alone: on the same backend, device and threads.
pub(super) fn comparable(spec: &MicroSpec, run: &RunRecord) -> bool {
    run.status == Status::Ok
        && run.spec.backend == spec.backend
        && run.spec.device == spec.device
        && run.spec.threads == spec.threads
        && spec.dtype.is_none_or(|dtype| dtype == run.spec.dtype)
}

fn ratio(run: &RunRecord, calls: &Calls, alone: &AloneTimes) -> Option<InModel> {
    let sized = !alone.outputs.is_empty();
    let (inside, alone) = match (&calls.device, &alone.device) {
        (Some(inside), Some(alone)) => (*inside, alone),
        (None, None) => (calls.host, &alone.host),
        _ => return None,
    };
    let [ns, low, high] = inside.map(|sum| sum / calls.count as f64);
    let [fastest, slowest] = alone.ci95_ns;
    (fastest > 0.0).then(|| InModel {
        run: run.id.clone(),
        model: run.spec.model.clone(),
        count: calls.count,
        ns,
        ci95_ns: [low, high],
        ratio: ns / alone.median_ns,
        ratio_ci95: [low / slowest, high / fastest],
        outputs: if sized {
            calls.outputs.clone()
        } else {
            Vec::new()
        },
    })
}

/// The calls of a run: its rows, and its composites with all of their parts.
fn by_call(profile: &Profile) -> BTreeMap<String, Calls> {
    let composites: HashMap<&str, &CompositeRow> = profile
        .composites
        .iter()
        .map(|row| (row.id.as_str(), row))
        .collect();
    let mut calls: BTreeMap<String, Calls> = BTreeMap::new();
    for row in &profile.ops {
        let entry = calls.entry(key_of(row)).or_default();
        if entry.count == 0 {
            entry.outputs.clone_from(&row.outputs);
        }
        entry.count += 1;
        entry.add(row);
        let find = |id: &String| composites.get(id.as_str()).copied();
        let first = row.parent_id.as_ref().and_then(find);
        let chain = std::iter::successors(first, |row| row.parent_id.as_ref().and_then(find));
        for whole in chain {
            let key = key(None, &whole.op, &whole.attrs, &whole.inputs);
            calls.entry(key).or_default().add(row);
        }
    }
    for whole in &profile.composites {
        let key = key(None, &whole.op, &whole.attrs, &whole.inputs);
        if let Some(entry) = calls.get_mut(&key) {
            entry.count += 1;
        }
    }
    calls
}

/// The key of a row's call.
pub(super) fn key_of(row: &OpRow) -> String {
    key(foreign(row), &row.op, &row.attrs, &row.inputs)
}

/// The vocabulary of a row, where it is not the graph's.
fn foreign(row: &OpRow) -> Option<&str> {
    row.vocabulary.as_deref().filter(|name| *name != IR)
}

fn key(
    vocabulary: Option<&str>,
    op: &str,
    attrs: &crate::op::Attrs,
    inputs: &[TensorSpec],
) -> String {
    let call = OpInstance {
        op: op.to_owned(),
        attrs: attrs.clone(),
        inputs: inputs.to_vec(),
    };
    call_key(vocabulary, &call)
}
