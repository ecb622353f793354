//! From raw samples to the numbers of a run record.

use std::collections::{BTreeMap, BTreeSet};

use super::conditions::{DeviceState, Noise};
use super::profile::{CompositeRow, GroupShare, OpRow, Profile, Timeline};
use super::schema::{Latency, UNATTRIBUTED};
use crate::dtype::DType;
use crate::measure::{Measurement, others_ns};
use crate::op::OpGroup;
use crate::plugin::{Classification, OpEvent, Quantity, Step};
use crate::shape::{Dim, TensorSpec};
use crate::stats::{self, MedianRuns, Summary};

/// Perturbation above which shares are marked unreliable: when its whole 95% interval lies above, so
/// that noise alone does not set the mark.
pub const UNRELIABLE_ABOVE: f64 = 0.05;

fn to_f64(values: &[u64]) -> Vec<f64> {
    values.iter().map(|&v| v as f64).collect()
}

/// The end-to-end latency of a measurement. `None` without samples.
pub fn latency(m: &Measurement) -> Option<Latency> {
    let series = to_f64(&m.plain_ns);
    Some(Latency {
        median_ns: stats::median(&series)?,
        mad_ns: stats::mad(&series)?,
        ci95_ns: stats::median_ci95(&series)?,
        min_ns: m.plain_ns.iter().copied().min()?,
        n: series.len(),
        stop: m.stop,
        target_ci: m.target_ci,
        warmup_runs: m.warmup_runs,
        steady: m.steady,
        outliers: stats::outliers(&series),
        disturbed: positions(&m.disturbed),
        samples_ns: m.plain_ns.clone(),
    })
}

fn positions(flags: &[bool]) -> Vec<usize> {
    let set = flags.iter().enumerate().filter(|(_, flag)| **flag);
    set.map(|(i, _)| i).collect()
}

/// The operator breakdown of a measurement. `shapes` are the outputs really seen, by step. `None`
/// without samples.
pub fn profile(
    m: &Measurement,
    shapes: &BTreeMap<u32, Vec<TensorSpec>>,
    classification: &Classification,
) -> Option<Profile> {
    let runs = MedianRuns::of(&m.instrumented_ns);
    let ratios: Vec<f64> = m
        .instrumented_ns
        .iter()
        .zip(&m.plain_ns)
        .map(|(&instrumented, &plain)| (instrumented as f64 / plain as f64).ln())
        .collect();
    let perturbation = stats::hodges_lehmann(&ratios)?.exp() - 1.0;
    let perturbation_ci95 = stats::hodges_lehmann_ci95(&ratios)?.map(|ln| ln.exp() - 1.0);
    let seen = SeenShapes::new(m, shapes);
    let ops: Vec<OpRow> = m
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let times = &m.times[index];
            let row = RowTimes {
                host_ns: Summary::of(&times.host_ns, &runs),
                device_ns: (times.device_ns.len() == m.instrumented_ns.len())
                    .then(|| Summary::of(&times.device_ns, &runs)),
            };
            op_row(step, &row, seen.of(index), classification)
        })
        .collect();
    let device = device_profile(m, &runs, &ops);
    Some(Profile {
        wall_median_ns: runs.mean(&to_f64(&m.instrumented_ns)),
        walls_ns: m.instrumented_ns.clone(),
        n: m.instrumented_ns.len(),
        middle: runs.positions.len(),
        perturbation,
        perturbation_ci95,
        unreliable: perturbation_ci95[0] > UNRELIABLE_ABOVE,
        unattributed_ns: runs.mean(&to_f64(&m.gap_ns)),
        group_ns: group_times(m, &ops, device.is_some()),
        device,
        ops,
        composites: composites(&m.steps, &seen),
    })
}

/// The device's own timeline; `None` unless it has a clock and every operator a time by it.
fn device_profile(m: &Measurement, runs: &MedianRuns, ops: &[OpRow]) -> Option<Timeline> {
    if m.device_wall_ns.len() != m.instrumented_ns.len() {
        return None;
    }
    let wall_median_ns = runs.mean(&to_f64(&m.device_wall_ns));
    let mut attributed = 0.0;
    for op in ops {
        attributed += op.device_ns?.median;
    }
    Some(Timeline {
        wall_median_ns,
        unattributed_ns: wall_median_ns - attributed,
    })
}

/// The time of each group and of `unattributed` in each instrumented run.
fn group_times(m: &Measurement, ops: &[OpRow], on_device: bool) -> BTreeMap<String, Vec<f64>> {
    let mut unattributed = to_f64(match on_device {
        true => &m.device_wall_ns,
        false => &m.instrumented_ns,
    });
    let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (op, times) in ops.iter().zip(&m.times) {
        let times = match on_device {
            true => &times.device_ns,
            false => &times.host_ns,
        };
        let sums = groups
            .entry(op.group.name().to_owned())
            .or_insert_with(|| vec![0.0; unattributed.len()]);
        for ((sum, rest), ns) in sums.iter_mut().zip(&mut unattributed).zip(times) {
            *sum += ns;
            *rest -= ns;
        }
    }
    groups.insert(UNATTRIBUTED.to_owned(), unattributed);
    groups
}

fn composites(steps: &[Step], seen: &SeenShapes<'_>) -> Vec<CompositeRow> {
    let mut known = BTreeSet::new();
    let mut rows = Vec::new();
    for step in steps {
        for (index, parent) in step.parents.iter().enumerate() {
            if known.insert(parent.id.as_str()) {
                rows.push(CompositeRow {
                    id: parent.id.clone(),
                    op: parent.op.clone(),
                    parent_id: step.parents.get(index + 1).map(|outer| outer.id.clone()),
                    counted_whole: parent.counted_whole,
                    attrs: parent.attrs.clone(),
                    traits: Some(parent.traits),
                    inputs: parent
                        .inputs
                        .iter()
                        .map(|spec| seen.resolve(spec))
                        .collect(),
                });
            }
        }
    }
    rows
}

struct RowTimes {
    host_ns: Summary,
    device_ns: Option<Summary>,
}

/// Replaces symbolic dimensions by the sizes that were seen at run time.
struct SeenShapes<'a> {
    steps: &'a [Step],
    outputs: &'a BTreeMap<u32, Vec<TensorSpec>>,
    symbols: BTreeMap<&'a str, usize>,
}

impl<'a> SeenShapes<'a> {
    fn new(m: &'a Measurement, outputs: &'a BTreeMap<u32, Vec<TensorSpec>>) -> Self {
        let mut symbols = BTreeMap::new();
        for (index, step) in m.steps.iter().enumerate() {
            let Some(seen) = outputs.get(&(index as u32)) else {
                continue;
            };
            for (inferred, seen) in step.outputs.iter().zip(seen) {
                let pairs = inferred.shape.dims().iter().zip(seen.shape.dims());
                for (dim, size) in pairs {
                    if let (Dim::Symbol(name), Some(size)) = (dim, size.known()) {
                        symbols.insert(name.as_ref(), size);
                    }
                }
            }
        }
        SeenShapes {
            steps: &m.steps,
            outputs,
            symbols,
        }
    }

    fn resolve(&self, spec: &TensorSpec) -> TensorSpec {
        let mut spec = spec.clone();
        for dim in spec.shape.dims_mut() {
            if let Dim::Symbol(name) = dim
                && let Some(size) = self.symbols.get(name.as_ref())
            {
                *dim = Dim::Known(*size);
            }
        }
        spec
    }

    fn of(&self, index: usize) -> (Vec<TensorSpec>, Vec<TensorSpec>) {
        let step = &self.steps[index];
        let inputs = step.inputs.iter().map(|spec| self.resolve(spec)).collect();
        let outputs = match self.outputs.get(&(index as u32)) {
            Some(seen) => {
                let pairs = seen.iter().zip(&step.outputs);
                pairs
                    .map(|(seen, inferred)| named(seen, inferred))
                    .collect()
            }
            None => step.outputs.iter().map(|spec| self.resolve(spec)).collect(),
        };
        (inputs, outputs)
    }
}

/// What was seen, with bool called bool also by libraries that store it as bytes.
pub(super) fn named(seen: &TensorSpec, inferred: &TensorSpec) -> TensorSpec {
    let dtype = match (inferred.dtype, seen.dtype) {
        (DType::Bool, DType::U8) => DType::Bool,
        (_, dtype) => dtype,
    };
    TensorSpec::new(dtype, seen.shape.clone())
}

fn op_row(
    step: &Step,
    times: &RowTimes,
    (inputs, outputs): (Vec<TensorSpec>, Vec<TensorSpec>),
    classification: &Classification,
) -> OpRow {
    let event = OpEvent {
        vocabulary: step.vocabulary,
        name: &step.op,
        attrs: &step.attrs,
        fused: &step.fused,
        op: step.kind.as_deref(),
        counted: step.counted,
    };
    let group = classification.group(&event);
    let own = step.kind.as_ref().map(|op| op.group());
    let cost = step.kind.as_ref().map(|op| op.cost(&inputs, &outputs));
    OpRow {
        id: step.id.clone(),
        scope: step.scope.clone(),
        op: step.op.clone(),
        vocabulary: Some(step.vocabulary.to_owned()),
        parent: step.parents.first().map(|parent| parent.op.clone()),
        parent_id: step.parents.first().map(|parent| parent.id.clone()),
        group,
        part_group: own.filter(|own| *own != group && !step.parents.is_empty()),
        attrs: step.attrs.clone(),
        inputs,
        outputs,
        fused: step.fused.clone(),
        provider: step.provider.clone(),
        host_ns: times.host_ns,
        device_ns: times.device_ns,
        flops: cost.map(|cost| cost.flops),
        bytes: cost.map(|cost| cost.bytes),
        traits: step.kind.as_ref().map(|op| op.traits()),
    }
}

impl Profile {
    /// The timeline that groups and shares refer to: the device's, where it has a clock of its own, else
    /// the host's.
    pub fn timeline(&self) -> Timeline {
        self.device.unwrap_or(Timeline {
            wall_median_ns: self.wall_median_ns,
            unattributed_ns: self.unattributed_ns,
        })
    }

    /// The time of an operator on that timeline.
    pub fn time_of(&self, op: &OpRow) -> f64 {
        match (&self.device, op.device_ns) {
            (Some(_), Some(device_ns)) => device_ns.median,
            _ => op.host_ns.median,
        }
    }
}

/// Time by group. Shares refer to the wall time of the profile's timeline and add up to 1 with
/// `unattributed`.
pub fn groups(profile: &Profile) -> BTreeMap<String, GroupShare> {
    let Timeline {
        wall_median_ns: wall,
        unattributed_ns: unattributed,
    } = profile.timeline();
    let mut by_group: BTreeMap<OpGroup, (f64, usize)> = BTreeMap::new();
    for row in &profile.ops {
        let entry = by_group.entry(row.group).or_default();
        entry.0 += profile.time_of(row);
        entry.1 += 1;
    }
    let share = |ns: f64| if wall > 0.0 { ns / wall } else { 0.0 };
    let mut groups: BTreeMap<String, GroupShare> = by_group
        .into_iter()
        .map(|(group, (ns, count))| {
            let row = GroupShare {
                ns,
                share: share(ns),
                count,
            };
            (group.name().to_owned(), row)
        })
        .collect();
    groups.insert(
        UNATTRIBUTED.to_owned(),
        GroupShare {
            ns: unattributed,
            share: share(unattributed),
            count: 0,
        },
    );
    groups
}

/// Part of the samples from which on a run counts as heavily disturbed.
pub const HEAVY_ABOVE: f64 = 0.10;

/// What disturbed a measurement.
pub fn noise(m: &Measurement) -> Noise {
    let counter = |quantity| m.counters.get(&quantity).copied();
    let gauge = |quantity| m.gauges.get(&quantity).copied();
    let disturbed = m.disturbed.iter().filter(|flag| **flag).count();
    let disturbed_share = disturbed as f64 / m.disturbed.len().max(1) as f64;
    Noise {
        steal: counter(Quantity::StealNs),
        ctx_switches: counter(Quantity::InvoluntaryContextSwitches),
        major_faults: counter(Quantity::MajorPageFaults),
        load_average: gauge(Quantity::LoadAverage),
        frequency_hz: gauge(Quantity::FrequencyHz),
        temperature_c: gauge(Quantity::TemperatureC),
        disturbed_share,
        others_processors: others_ns(&m.counters).map(|ns| ns / m.counted_ns.max(1) as f64),
        heavy: disturbed_share > HEAVY_ABOVE,
        samples: m.noise.clone(),
        waited_ns: None,
        was_calm: None,
        device: device_state(m),
    }
}

/// What is known of the devices; `None` where nothing is.
fn device_state(m: &Measurement) -> Option<DeviceState> {
    let gauge = |quantity| m.gauges.get(&quantity).copied();
    let state = DeviceState {
        power_w: gauge(Quantity::DevicePowerW),
        clock_hz: gauge(Quantity::DeviceClockHz),
        temperature_c: gauge(Quantity::DeviceTemperatureC),
        throttled: gauge(Quantity::DeviceThrottled).map(|flag| flag > 0.0),
        utilisation: gauge(Quantity::DeviceUtilisation),
        memory_bytes: gauge(Quantity::DeviceMemoryBytes).map(|bytes| bytes as u64),
    };
    (state != DeviceState::default()).then_some(state)
}
