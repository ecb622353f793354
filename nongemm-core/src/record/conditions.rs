//! What a run record says of energy and of what the machine did meanwhile.

use serde::{Deserialize, Serialize};

use crate::measure::SampleNoise;

/// Energy of one probe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EnergyRow {
    /// Probe id.
    pub probe: String,
    /// Joules per inference, everything that the sensor sees.
    pub gross_j_per_inference: f64,
    /// Idle power in watts.
    pub idle_w: f64,
    /// Joules per inference above idle.
    pub net_j_per_inference: f64,
    /// Number of windows.
    pub windows: usize,
    /// The sensor's resolution.
    pub resolution: String,
    /// The sensor's name in its probe.
    #[serde(default)]
    pub sensor: String,
    /// The sensor of the same probe that it is a part of: the two are not to be added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
    /// What it gives: a counter, or power that was integrated.
    #[serde(default)]
    pub source: String,
    /// Time between updates as it was seen, never shorter than that between readings.
    #[serde(default)]
    pub update_period_ns: Option<f64>,
    /// Length of each window under load.
    #[serde(default)]
    pub window_ns: Vec<u64>,
    /// Inferences in all windows.
    #[serde(default)]
    pub inferences: u64,
    /// Joules per inference of each window.
    #[serde(default)]
    pub gross_j_by_window: Vec<f64>,
    /// Watts of each idle window: before, between and after those under load.
    #[serde(default)]
    pub idle_w_by_window: Vec<f64>,
    /// Comparison with another sensor of the same thing, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciled: Option<Reconciled>,
}

/// Two sensors of the same thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reconciled {
    /// The other one's probe.
    pub probe: String,
    /// Its name.
    pub sensor: String,
    /// By how much this one's joules are more, as a part of the other one's.
    pub difference: f64,
    /// Whether that is 5% at most, either way.
    pub agrees: bool,
}

/// Energy, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Energy {
    /// One row per sensor.
    Measured(Vec<EnergyRow>),
    /// No sensor.
    Unavailable {
        /// Why.
        unavailable: String,
    },
}

/// What disturbed the run, over all samples. Null where no probe tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Processor time taken by the hypervisor, in nanoseconds, summed over processors.
    pub steal: Option<f64>,
    /// Involuntary context switches.
    pub ctx_switches: Option<f64>,
    /// Page faults that needed the disk.
    pub major_faults: Option<f64>,
    /// Load average at the end.
    pub load_average: Option<f64>,
    /// Processor frequency at the end, in hertz.
    pub frequency_hz: Option<f64>,
    /// Temperature at the end, in degrees Celsius.
    pub temperature_c: Option<f64>,
    /// Part of the samples during which something outside took processor time.
    pub disturbed_share: f64,
    /// Processors that other processes used on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others_processors: Option<f64>,
    /// Whether so many samples were disturbed that the numbers are those of a busy machine.
    #[serde(default)]
    pub heavy: bool,
    /// What held samples up: one entry for each that something happened to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<SampleNoise>,
    /// Time waited for a calm machine before the first sample, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_ns: Option<u64>,
    /// Whether the machine was calm then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_calm: Option<bool>,
    /// Devices, where a probe tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceState>,
}

/// State of the devices at the end of a run: the highest value over all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceState {
    /// Power in watts.
    pub power_w: Option<f64>,
    /// Clock in hertz.
    pub clock_hz: Option<f64>,
    /// Temperature in degrees Celsius.
    pub temperature_c: Option<f64>,
    /// Whether heat or power held the clock down.
    pub throttled: Option<bool>,
    /// Part of the time that it was busy.
    pub utilisation: Option<f64>,
    /// Memory in use in bytes, by all processes.
    pub memory_bytes: Option<u64>,
}
