//! Operators measured alone in a worker process that lives as long as it can: `nongemm alone` reads a
//! setup and then calls from standard input, one JSON value a line, and answers each on standard output.

mod flush;
mod process;
pub(crate) mod worker;

use std::collections::BTreeMap;

use nongemm_core::dtype::DType;
use nongemm_core::measure::{ClockCost, Limits, Series};
use nongemm_core::op::OpInstance;
use nongemm_core::plugin::Device;
use nongemm_core::record::Outcome;
use serde::{Deserialize, Serialize};

pub(crate) use flush::{copy_call, last_level_cache};
pub(crate) use process::{Process, Spoken};

/// What a worker measures on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) backend: String,
    pub(crate) device: Device,
    pub(crate) dtype: DType,
    pub(crate) threads: usize,
    pub(crate) settings: BTreeMap<String, String>,
    /// Whether cold times are wanted.
    pub(crate) cold: bool,
    /// Whether energy is wanted.
    pub(crate) energy: bool,
}

/// A call to measure, and how precisely.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Whose operator it is; null for the graph's own.
    pub(crate) vocabulary: Option<String>,
    pub(crate) call: OpInstance,
    pub(crate) target_ci: f64,
    pub(crate) max_time_ns: u64,
    pub(crate) min_samples: usize,
}

impl Request {
    pub(crate) fn new(vocabulary: Option<String>, call: OpInstance, limits: &Limits) -> Self {
        Request {
            vocabulary,
            call,
            target_ci: limits.target_ci,
            max_time_ns: limits.max_time.as_nanos() as u64,
            min_samples: limits.min_samples,
        }
    }
}

/// What a worker says about itself before the first call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) clock: ClockCost,
    pub(crate) overhead: Option<Series>,
    pub(crate) flushed_bytes: u64,
    /// Why there is no energy; null where it is measured.
    pub(crate) energy_unavailable: Option<String>,
    pub(crate) modes: BTreeMap<String, String>,
}

/// One line of a worker's standard output.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reply {
    /// It can measure.
    Ready(Box<Ready>),
    /// It cannot measure anything.
    Unusable(String),
    /// What became of a call.
    Done(Box<Outcome>),
}
