//! The probe `scheduler`: what the machine does with its processors.

mod frequency;
mod steal;
mod temperature;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nongemm_core::plugin::{Availability, HardwareProbe, Quantity, Reading, Sampler};
use nongemm_core::register;

use self::frequency::Frequency;
use self::steal::Steal;
use self::temperature::Temperature;
use crate::reread::Reread;

/// Steal time, load average, frequency and temperature.
#[derive(Debug)]
pub struct SchedulerProbe {
    root: Option<PathBuf>,
}

static SCHEDULER: SchedulerProbe = SchedulerProbe { root: None };
register!(dyn HardwareProbe, &SCHEDULER);

impl SchedulerProbe {
    /// A probe that reads the files under `root` instead of `/`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        SchedulerProbe {
            root: Some(root.into()),
        }
    }

    fn sources(&self) -> Sources {
        let root = self.root.as_deref().unwrap_or(Path::new("/"));
        Sources {
            steal: Steal::open(root),
            load: Load::open(root),
            frequency: Frequency::open(root),
            temperature: Temperature::open(root),
        }
    }
}

impl HardwareProbe for SchedulerProbe {
    fn id(&self) -> &'static str {
        "scheduler"
    }

    fn summary(&self) -> &'static str {
        "steal time, load average, highest processor frequency and hottest sensor of the machine"
    }

    fn quantities(&self) -> &'static [Quantity] {
        &[
            Quantity::StealNs,
            Quantity::BusyNs,
            Quantity::LoadAverage,
            Quantity::FrequencyHz,
            Quantity::TemperatureC,
        ]
    }

    fn check(&self) -> Availability {
        let (found, lacking) = self.sources().named();
        let list = |names: &[&str]| names.join(", ");
        match (found.as_slice(), lacking.as_slice()) {
            ([], _) => Availability::missing(
                "neither /proc/stat nor /proc/loadavg nor a frequency or temperature sensor can be read",
                "run on Linux with /proc and /sys mounted",
            ),
            (_, []) => Availability::ready(list(&found)),
            _ => Availability::ready(format!("{}; not here: {}", list(&found), list(&lacking))),
        }
    }

    fn start(&self, period: Duration) -> anyhow::Result<Box<dyn Sampler>> {
        let sources = self.sources();
        anyhow::ensure!(
            !sources.named().0.is_empty(),
            "probe scheduler: nothing in /proc and /sys can be read"
        );
        Ok(Box::new(SchedulerSampler {
            sources,
            period,
            last: None,
            gauges: Vec::new(),
        }))
    }
}

struct Sources {
    steal: Option<Steal>,
    load: Option<Load>,
    frequency: Option<Frequency>,
    temperature: Option<Temperature>,
}

impl Sources {
    /// Names of the sources that are there, and of those that are not.
    fn named(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let all = [
            ("steal time", self.steal.is_some()),
            ("load average", self.load.is_some()),
            ("frequency", self.frequency.is_some()),
            ("temperature", self.temperature.is_some()),
        ];
        let with = |there: bool| {
            let chosen = all.iter().filter(move |(_, found)| *found == there);
            chosen.map(|(name, _)| *name).collect()
        };
        (with(true), with(false))
    }
}

/// The counter is read each time; the gauges, for which there can be a file per processor, at most once
/// in a period.
struct SchedulerSampler {
    sources: Sources,
    period: Duration,
    last: Option<Instant>,
    gauges: Vec<Reading>,
}

impl Sampler for SchedulerSampler {
    fn read(&mut self, out: &mut Vec<Reading>) {
        let reading = |quantity, value: Option<f64>| value.map(|value| Reading { quantity, value });
        let steal = self.sources.steal.as_mut().and_then(Steal::nanoseconds);
        out.extend(reading(Quantity::StealNs, steal));
        let busy = self
            .sources
            .steal
            .as_mut()
            .and_then(Steal::busy_nanoseconds);
        out.extend(reading(Quantity::BusyNs, busy));
        if self.last.is_none_or(|last| last.elapsed() >= self.period) {
            self.last = Some(Instant::now());
            let sources = &mut self.sources;
            let load = sources.load.as_mut().and_then(Load::one_minute);
            let frequency = sources.frequency.as_mut().and_then(Frequency::hertz);
            let temperature = sources.temperature.as_mut().and_then(Temperature::celsius);
            self.gauges.clear();
            self.gauges.extend(reading(Quantity::LoadAverage, load));
            self.gauges
                .extend(reading(Quantity::FrequencyHz, frequency));
            self.gauges
                .extend(reading(Quantity::TemperatureC, temperature));
        }
        out.extend_from_slice(&self.gauges);
    }
}

/// `/proc/loadavg`.
struct Load(Reread);

impl Load {
    fn open(root: &Path) -> Option<Self> {
        let mut load = Load(Reread::open(&root.join("proc/loadavg"), 128)?);
        load.one_minute().is_some().then_some(load)
    }

    fn one_minute(&mut self) -> Option<f64> {
        self.0.read()?.split_whitespace().next()?.parse().ok()
    }
}
