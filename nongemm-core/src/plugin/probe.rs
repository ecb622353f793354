//! Hardware probes: what the machine does while something runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::availability::Availability;
use super::energy::EnergyMeter;
use super::registry::plugin_kind;

/// What a reading counts. Counters only grow and are used as differences; gauges are used as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Counter: processor time taken by the hypervisor, in nanoseconds.
    StealNs,
    /// Counter: times the scheduler took a processor away from this process.
    InvoluntaryContextSwitches,
    /// Counter: page faults that needed the disk.
    MajorPageFaults,
    /// Counter: processor time of this process, in nanoseconds.
    CpuTimeNs,
    /// Gauge: largest resident set so far, in bytes.
    PeakRssBytes,
    /// Gauge: processor frequency, in hertz.
    FrequencyHz,
    /// Gauge: load average over one minute.
    LoadAverage,
    /// Gauge: temperature of the hottest sensor, in degrees Celsius.
    TemperatureC,
    /// Counter: energy, in joules.
    EnergyJ,
    /// Counter: time in which the machine's processors did anything, for anybody, in nanoseconds, summed
    /// over processors.
    BusyNs,
    /// Counter: page faults that needed no disk.
    MinorPageFaults,
    /// Counter: times this process gave its processor up.
    VoluntaryContextSwitches,
    /// Gauge: power of a device, in watts.
    DevicePowerW,
    /// Gauge: clock of a device, in hertz.
    DeviceClockHz,
    /// Gauge: temperature of a device, in degrees Celsius.
    DeviceTemperatureC,
    /// Gauge: 1 if heat or power hold a device's clock down, else 0.
    DeviceThrottled,
    /// Gauge: part of the time that a device was busy, 0 to 1.
    DeviceUtilisation,
    /// Gauge: memory of a device in use, in bytes, by all processes.
    DeviceMemoryBytes,
}

impl Quantity {
    /// Whether the quantity is a counter.
    pub const fn is_counter(self) -> bool {
        matches!(
            self,
            Quantity::StealNs
                | Quantity::InvoluntaryContextSwitches
                | Quantity::MajorPageFaults
                | Quantity::CpuTimeNs
                | Quantity::EnergyJ
                | Quantity::BusyNs
                | Quantity::MinorPageFaults
                | Quantity::VoluntaryContextSwitches
        )
    }
}

/// One value read from a probe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// What it counts.
    pub quantity: Quantity,
    /// The value, in the quantity's unit.
    pub value: f64,
}

/// A started probe. Read between samples, never inside the timed region.
pub trait Sampler: Send {
    /// Appends the current values to `out`.
    fn read(&mut self, out: &mut Vec<Reading>);
}

/// A source of readings about the machine or this process.
///
/// ```
/// use std::time::Duration;
///
/// use nongemm_core::plugin::{Availability, HardwareProbe, Plugins, Quantity, Reading, Sampler};
///
/// /// The load of the last minute, as Linux tells it.
/// struct Load;
///
/// struct ReadLoad;
///
/// impl Sampler for ReadLoad {
///     fn read(&mut self, out: &mut Vec<Reading>) {
///         let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
///         let value = text.split(' ').next().and_then(|first| first.parse().ok());
///         out.extend(value.map(|value| Reading { quantity: Quantity::LoadAverage, value }));
///     }
/// }
///
/// impl HardwareProbe for Load {
///     fn id(&self) -> &'static str {
///         "load"
///     }
///
///     fn summary(&self) -> &'static str {
///         "the load average"
///     }
///
///     fn quantities(&self) -> &'static [Quantity] {
///         &[Quantity::LoadAverage]
///     }
///
///     fn check(&self) -> Availability {
///         match std::fs::exists("/proc/loadavg") {
///             Ok(true) => Availability::ready("/proc/loadavg"),
///             _ => Availability::missing("there is no /proc/loadavg", "run on Linux"),
///         }
///     }
///
///     fn start(&self, _: Duration) -> anyhow::Result<Box<dyn Sampler>> {
///         Ok(Box::new(ReadLoad))
///     }
/// }
///
/// nongemm_core::register!(dyn HardwareProbe, &Load);
///
/// let probe = Plugins::collect()?.probes.get("load")?;
/// let mut readings = Vec::new();
/// probe.start(Duration::from_millis(100))?.read(&mut readings);
/// assert_eq!(readings.is_empty(), !probe.check().is_ready());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait HardwareProbe: Send + Sync {
    /// The id that users name it by.
    fn id(&self) -> &'static str;

    /// What it reads, in one line.
    fn summary(&self) -> &'static str;

    /// What it measures when it is available.
    fn quantities(&self) -> &'static [Quantity];

    /// Whether it can be used here.
    fn check(&self) -> Availability;

    /// Starts it. `period` is how often the caller means to read.
    ///
    /// # Errors
    /// When it cannot be used here.
    fn start(&self, period: Duration) -> anyhow::Result<Box<dyn Sampler>>;

    /// Forgets the peaks of what ran in this process before.
    fn reset(&self) {}

    /// Opens its energy sensors; `None` if it has none of that kind.
    ///
    /// # Errors
    /// Why they cannot be read here.
    fn energy(&self) -> anyhow::Result<Option<Box<dyn EnergyMeter>>> {
        Ok(None)
    }
}

plugin_kind!(HardwareProbe, "probe");
