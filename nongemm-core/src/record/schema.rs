//! The run record, schema 1: what `run.json` holds.
//!
//! Times are in nanoseconds, sizes in bytes, energy in joules, unless a field's name says otherwise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::conditions::{Energy, Noise};
use super::machine::{Machine, Software};
use super::profile::{GroupShare, Profile};
use super::turns::Turns;
use super::weights::Weights;
use crate::dtype::DType;
use crate::measure::Stop;
use crate::plugin::{Device, Domain};
use crate::shape::TensorSpec;

/// The version of the schema that this build writes and reads.
pub const SCHEMA: u32 = 1;

/// What to run: one point of the run matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSpec {
    /// Model id.
    pub model: String,
    /// Backend id.
    pub backend: String,
    /// Device.
    pub device: Device,
    /// Floating-point type.
    pub dtype: DType,
    /// Number of inputs that run together.
    pub batch: usize,
    /// Sequence length; null for models that read no text.
    pub seq: Option<usize>,
    /// Side of the image in pixels; null for models that read no images.
    pub image: Option<usize>,
    /// Weights: `synthetic:SEED` or a location.
    pub weights: String,
    /// Dataset: `ID` or `ID:PATH`.
    pub dataset: String,
    /// Number of threads.
    pub threads: usize,
    /// How many inputs are measured in turn.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub inputs: usize,
    /// Settings of model and backend.
    pub settings: BTreeMap<String, String>,
}

/// Nothing named yet: one input in `f32` on the CPU.
impl Default for RunSpec {
    fn default() -> Self {
        RunSpec {
            model: String::new(),
            backend: String::new(),
            device: Device::Cpu,
            dtype: DType::F32,
            batch: 1,
            seq: None,
            image: None,
            weights: String::new(),
            dataset: String::new(),
            threads: 1,
            inputs: 1,
            settings: BTreeMap::new(),
        }
    }
}

fn one() -> usize {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_one(inputs: &usize) -> bool {
    *inputs == 1
}

/// Whether a run gave a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It did.
    Ok,
    /// It did not; the record's `error` says why.
    Failed,
}

/// About the model of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Task domain.
    pub domain: Domain,
    /// Published checkpoint whose configuration is the default.
    pub checkpoint: String,
    /// Reference implementation.
    pub reference: String,
    /// Trainable parameters.
    pub parameters: u64,
    /// Nodes of the graph before composites were expanded.
    pub nodes: usize,
}

/// End-to-end latency from uninstrumented runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Every sample, in order.
    pub samples_ns: Vec<u64>,
    /// Their median.
    pub median_ns: f64,
    /// Their median absolute deviation.
    pub mad_ns: f64,
    /// The 95% confidence interval of the median (the range for fewer than six samples).
    pub ci95_ns: [f64; 2],
    /// The fastest sample.
    pub min_ns: u64,
    /// Number of samples.
    pub n: usize,
    /// What ended the sampling.
    pub stop: Stop,
    /// The relative half-width of the interval at which sampling would have stopped.
    pub target_ci: f64,
    /// Warm-up runs before the first sample.
    pub warmup_runs: usize,
    /// Whether warm-up ended because times were steady.
    pub steady: bool,
    /// Positions of outliers among the samples. They are kept.
    pub outliers: Vec<usize>,
    /// Positions of samples during which something outside took processor time.
    pub disturbed: Vec<usize>,
}

/// Memory of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Largest resident set of the worker process; null where the system does not tell.
    pub peak_rss_bytes: Option<u64>,
    /// Largest device memory; null where the device is the host.
    pub peak_device_bytes: Option<u64>,
    /// Largest device memory that the backend's allocator reserved; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_reserved_bytes: Option<u64>,
    /// Weights.
    pub weights_bytes: u64,
    /// Intermediate results alive at the peak, from the graph.
    pub activation_bytes: u64,
}

/// The comparison of a run's outputs with those of another flow or device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferenceCheck {
    /// The backend compared with.
    pub backend: String,
    /// Its device.
    pub device: Device,
    /// The id of its run.
    pub run: String,
    /// Largest absolute difference, over all floating-point outputs.
    pub max_abs_err: f64,
    /// Largest difference relative to the largest magnitude of the output that it is in.
    pub max_rel_err: f64,
    /// How large that may be in this type.
    pub tolerance: f64,
    /// Whether it is not larger, and nothing differs otherwise.
    pub within: bool,
    /// Outputs of another shape, missing ones, and whole numbers that are others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differing: Vec<String>,
}

/// Checks of the outputs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checks {
    /// Whether all outputs are finite.
    pub finite: bool,
    /// Names and specs of the outputs.
    pub outputs: BTreeMap<String, TensorSpec>,
    /// A fingerprint of the outputs: the first values of each, as numbers.
    pub head: BTreeMap<String, Vec<f64>>,
    /// Comparison with another flow of the same model, where one was run.
    pub reference: Option<ReferenceCheck>,
    /// Why there is no comparison although another flow was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_compared: Option<String>,
}

/// Items of a dataset that could not be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// How many.
    pub count: usize,
    /// The first of them: one line each, which names the item and says why.
    pub first: Vec<String>,
}

/// The inputs of a run, where they came from, and how long it took to make them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// What turned samples into tensors.
    pub preprocessor: String,
    /// For each input that was made: the names of the samples in it, in order.
    pub samples: Vec<Vec<String>>,
    /// Items that could not be used, met while reading those samples.
    pub skipped: Skipped,
    /// Reading and decoding the samples.
    pub read_ns: u64,
    /// Preprocessing alone: resizing, normalising, tokenizing.
    pub preprocess_ns: u64,
}

/// How long the parts of a run took that are not measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    /// Building the graph.
    pub build_ns: u64,
    /// Reading and preprocessing the inputs.
    pub inputs_ns: u64,
    /// Loading weights and choosing kernels.
    pub prepare_ns: u64,
    /// Warm-up and sampling.
    pub measure_ns: u64,
}

/// The record of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Id, also the name of its folder.
    pub id: String,
    /// What was run.
    pub spec: RunSpec,
    /// Where.
    pub machine: Machine,
    /// With what.
    pub software: Software,
    /// Whether it gave a result.
    pub status: Status,
    /// Why not.
    pub error: Option<String>,
    /// When it started, RFC 3339, UTC.
    pub started: String,
    /// About the model; null if the run failed before the graph was built.
    pub model: Option<ModelInfo>,
    /// The weights; null if the run failed before they were loaded, and for model files.
    #[serde(default)]
    pub weights: Option<Weights>,
    /// The inputs that were measured in turn, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<Turns>,
    /// End-to-end latency.
    pub latency: Option<Latency>,
    /// Operator breakdown.
    pub profile: Option<Profile>,
    /// Time by group, and `unattributed`.
    pub groups: BTreeMap<String, GroupShare>,
    /// Memory.
    pub memory: Option<Memory>,
    /// Energy.
    pub energy: Option<Energy>,
    /// Energy sensors that were left out, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub energy_left_out: Vec<String>,
    /// Noise.
    pub noise: Option<Noise>,
    /// Checks.
    pub checks: Option<Checks>,
    /// What was not measured but takes time.
    pub phases: Option<Phases>,
    /// The inputs, where they came from a dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
}

/// The key of the row for time that no operator accounts for, in [`RunRecord::groups`].
pub const UNATTRIBUTED: &str = "unattributed";

#[cfg(test)]
impl RunSpec {
    /// A run for tests of what records and plans do with it; nothing can run it.
    pub(crate) fn example(model: &str, backend: &str) -> Self {
        RunSpec {
            model: model.to_owned(),
            backend: backend.to_owned(),
            device: Device::Cpu,
            dtype: DType::F32,
            batch: 1,
            seq: None,
            image: None,
            weights: "w".to_owned(),
            dataset: "d".to_owned(),
            inputs: 1,
            threads: 1,
            settings: BTreeMap::new(),
        }
    }
}
