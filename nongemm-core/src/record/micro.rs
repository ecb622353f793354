//! The record of operators measured alone, schema 1: what `micro.json` holds.
//!
//! Times are in nanoseconds for each call, sizes in bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ceilings::Ceilings;
use super::conditions::EnergyRow;
use super::group_energy::GroupEnergy;
use super::machine::{Machine, Software};
use crate::dtype::DType;
use crate::measure::{ClockCost, Series};
use crate::op::{OpGroup, OpInstance};
use crate::plugin::Device;
use crate::shape::TensorSpec;

/// What was measured, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MicroSpec {
    /// Backend id.
    pub backend: String,
    /// Device.
    pub device: Device,
    /// The type that floating-point operands were given; null if each entry kept its own.
    pub dtype: Option<DType>,
    /// Number of threads.
    pub threads: usize,
    /// Settings of the backend.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// The relative half-width of the interval at which sampling stops.
    pub target_ci: f64,
    /// Time for the samples of one series.
    pub max_time_ns: u64,
    /// Fewest samples of a series.
    pub min_samples: usize,
    /// Whether energy is asked for.
    #[serde(default)]
    pub energy: bool,
}

/// The times of one call alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AloneTimes {
    /// The operators that ran: several where a composite ran in parts.
    pub steps: Vec<String>,
    /// End to end, operands where the last call left them.
    pub hot: Series,
    /// End to end, with other data in the caches; null where they cannot be emptied.
    pub cold: Option<Series>,
    /// On the host, its steps alone: what a run of a model records for them.
    pub host: Series,
    /// On the device, its steps alone; null where the device is the host or has no clock of its own.
    pub device: Option<Series>,
    /// Floating-point operations; null where its outputs have sizes that the flow does not tell.
    pub flops: Option<u64>,
    /// Bytes that must move.
    pub bytes: Option<u64>,
    /// The outputs as they came, where only the data decide their sizes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<TensorSpec>,
    /// Energy for each call, by sensor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub energy: Vec<EnergyRow>,
    /// Sensors that are left out of it, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub energy_left_out: Vec<String>,
}

impl AloneTimes {
    /// The time that rates refer to: on the device where it has a clock, else end to end.
    pub fn ns(&self) -> f64 {
        self.device.as_ref().unwrap_or(&self.hot).median_ns
    }

    /// Bytes per second.
    pub fn bytes_per_s(&self) -> Option<f64> {
        rate(self.bytes, self.ns())
    }

    /// Floating-point operations per second.
    pub fn flops_per_s(&self) -> Option<f64> {
        rate(self.flops, self.ns())
    }

    /// The least time that the ceilings allow for a call in `dtype`, relative to the time that it took with
    /// its operands in memory, since the ceiling of bandwidth is that of memory; on a device, on its own
    /// clock. `None` without such a time, or without ceilings.
    pub fn roofline(&self, ceilings: &Ceilings, dtype: DType) -> Option<f64> {
        let took = self.device.as_ref().or(self.cold.as_ref())?.median_ns;
        let copy = ceilings.copy_bytes_per_s?.value;
        let moving = self.bytes? as f64 / copy;
        let peak = ceilings.gemm_flops_per_s.get(&dtype);
        let computing = peak.map_or(0.0, |peak| self.flops.unwrap_or(0) as f64 / peak.value);
        let least = moving.max(computing) * 1e9;
        (least > 0.0 && took > 0.0).then(|| least / took)
    }
}

fn rate(amount: Option<u64>, ns: f64) -> Option<f64> {
    let amount = amount.filter(|&amount| amount > 0 && ns > 0.0)?;
    Some(amount as f64 / ns * 1e9)
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "status")]
pub enum Outcome {
    /// It was measured.
    Ok(Box<AloneTimes>),
    /// It cannot run here: found before anything ran.
    Refused {
        /// Why.
        reason: String,
    },
    /// It failed while it ran.
    Failed {
        /// How.
        reason: String,
    },
}

impl Outcome {
    /// The times, if there are any.
    pub fn times(&self) -> Option<&AloneTimes> {
        match self {
            Outcome::Ok(times) => Some(times),
            _ => None,
        }
    }
}

/// The same call inside a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InModel {
    /// The id of the run.
    pub run: String,
    /// Its model.
    pub model: String,
    /// Calls in each inference.
    pub count: usize,
    /// Time of one call: the mean over the calls' own medians.
    pub ns: f64,
    /// The mean over the 95% confidence intervals of these medians.
    pub ci95_ns: [f64; 2],
    /// That time relative to the time alone, by the same clock.
    pub ratio: f64,
    /// Between which values the ratio lies when both intervals are taken into account.
    pub ratio_ci95: [f64; 2],
    /// The outputs of the first such call, where only the data decide their sizes: how far they are those
    /// of the call alone says how far the two do the same work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<TensorSpec>,
}

impl MicroSpec {
    /// The id of a run of this, also the name of its folder.
    pub fn id(&self) -> String {
        let dtype = self.dtype.map_or("as-met", DType::name);
        let id = format!(
            "micro-{}-{}-{dtype}-t{}",
            self.backend, self.device, self.threads
        );
        id.replace(':', "_")
    }
}

/// One call of an operator, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MicroEntry {
    /// Which names the call uses; null for the graph's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<String>,
    /// The call.
    #[serde(flatten)]
    pub call: OpInstance,
    /// Its group; null where the operator is not known.
    pub group: Option<OpGroup>,
    /// Models that make it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Bytes per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_s: Option<f64>,
    /// Floating-point operations per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flops_per_s: Option<f64>,
    /// Share of the roofline, operands in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roofline: Option<f64>,
    /// The same call inside models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_model: Vec<InModel>,
}

impl MicroEntry {
    /// Text that is equal for equal calls of one vocabulary alone.
    pub fn key(&self) -> String {
        call_key(self.vocabulary.as_deref(), &self.call)
    }
}

/// The key of an entry with this call.
pub fn call_key(vocabulary: Option<&str>, call: &OpInstance) -> String {
    match vocabulary {
        None => call.key(),
        Some(vocabulary) => format!("{vocabulary}:{}", call.key()),
    }
}

/// The record of one run over a registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MicroRecord {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// Id, also the name of its folder.
    pub id: String,
    /// What was measured.
    pub spec: MicroSpec,
    /// Where.
    pub machine: Machine,
    /// With what.
    pub software: Software,
    /// When it started, RFC 3339, UTC.
    pub started: String,
    /// The clock.
    pub clock: ClockCost,
    /// A run of no operator: part of every `hot` and `cold`. Null where the flow runs no such graph.
    pub overhead: Option<Series>,
    /// Bytes that were written over between two cold samples.
    pub flushed_bytes: u64,
    /// Why no energy is measured; null where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_unavailable: Option<String>,
    /// Energy of the groups of the runs that it is compared with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_energy: Vec<GroupEnergy>,
    /// Every entry, in the order of the registry.
    #[serde(default)]
    pub entries: Vec<MicroEntry>,
}
