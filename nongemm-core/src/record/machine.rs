//! What a run ran on and with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ceilings::Ceilings;

/// The machine of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor model.
    pub cpu: String,
    /// Logical processors that the process may use.
    pub cores: usize,
    /// Main memory in bytes.
    pub memory: u64,
    /// GPUs by name.
    pub gpu: Vec<String>,
    /// Operating system and kernel.
    pub os: String,
    /// Frequency governor, where the system has one.
    pub governor: Option<String>,
    /// Measured ceilings of the run's backend, device and threads, where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ceilings: Vec<Ceilings>,
}

/// Software versions of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Software {
    /// Version of nongemm.
    pub nongemm: String,
    /// The backend.
    pub backend: String,
    /// Versions of the libraries behind the backend.
    pub libraries: BTreeMap<String, String>,
    /// Math modes and thread counts as the backend pinned them, and what holds for the allocator.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub modes: BTreeMap<String, String>,
}
