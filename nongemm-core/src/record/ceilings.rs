//! What a machine gives at best: the two lines of a roofline, measured through a backend's own kernels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dtype::DType;
use crate::plugin::Device;

/// A measured rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// The median, per second.
    pub value: f64,
    /// Its 95% confidence interval.
    pub ci95: [f64; 2],
    /// Number of samples.
    pub n: usize,
}

/// The ceilings of one backend on one device with one number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ceilings {
    /// Backend id.
    pub backend: String,
    /// Device.
    pub device: Device,
    /// Number of threads.
    pub threads: usize,
    /// Bytes read and written per second when a tensor several times larger than the last-level cache is
    /// copied.
    pub copy_bytes_per_s: Option<Ceiling>,
    /// Floating-point operations per second of large square matrix products, by element type.
    #[serde(default)]
    pub gemm_flops_per_s: BTreeMap<DType, Ceiling>,
    /// The hash of hardware, backend and library versions that they hold for.
    pub key: String,
    /// When they were measured, RFC 3339, UTC.
    pub measured: String,
}
