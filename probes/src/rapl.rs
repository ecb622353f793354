//! The probe `rapl`: energy counters of processors and memory, from the kernel's powercap tree.
//!
//! The tree is that of Intel's driver, which serves AMD's processors too. A package holds `core` and
//! `uncore`; `dram` is beside it although its folder lies in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nongemm_core::plugin::{
    Availability, EnergyKind, EnergyMeter, EnergySensor, HardwareProbe, Quantity, Reading, Sampler,
};
use nongemm_core::register;

use crate::reread::Reread;

/// Counters of the zones under `/sys/class/powercap`.
#[derive(Debug)]
pub struct RaplProbe {
    root: Option<PathBuf>,
}

static RAPL: RaplProbe = RaplProbe { root: None };
register!(dyn HardwareProbe, &RAPL);

impl RaplProbe {
    /// A probe that reads the files under `root` instead of `/`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        RaplProbe {
            root: Some(root.into()),
        }
    }

    fn zones(&self) -> (Vec<Zone>, Vec<String>) {
        let root = self.root.as_deref().unwrap_or(Path::new("/"));
        zones(&root.join("sys/class/powercap"))
    }
}

impl HardwareProbe for RaplProbe {
    fn id(&self) -> &'static str {
        "rapl"
    }

    fn summary(&self) -> &'static str {
        "energy counters of processor packages, cores and memory (powercap)"
    }

    fn quantities(&self) -> &'static [Quantity] {
        &[Quantity::EnergyJ]
    }

    fn check(&self) -> Availability {
        let (zones, refused) = self.zones();
        let names: Vec<&str> = zones.iter().map(|zone| zone.sensor.name.as_str()).collect();
        match (names.as_slice(), refused.as_slice()) {
            ([], []) => Availability::missing(
                "there are no zones in /sys/class/powercap",
                "run on a processor with RAPL, outside a virtual machine, with the module intel_rapl_msr",
            ),
            ([], _) => Availability::missing(
                refused.join(", "),
                "let this user read the zones' energy_uj (chmod a+r), or run as root",
            ),
            (_, []) => Availability::ready(names.join(", ")),
            _ => Availability::ready(format!("{}; not: {}", names.join(", "), refused.join(", "))),
        }
    }

    fn start(&self, _period: Duration) -> anyhow::Result<Box<dyn Sampler>> {
        let meter = self.open()?;
        Ok(Box::new(Total(meter)))
    }

    fn energy(&self) -> anyhow::Result<Option<Box<dyn EnergyMeter>>> {
        Ok(Some(Box::new(self.open()?)))
    }
}

impl RaplProbe {
    fn open(&self) -> anyhow::Result<RaplMeter> {
        let (zones, refused) = self.zones();
        anyhow::ensure!(
            !zones.is_empty(),
            "probe rapl: no zone can be read: {}",
            refused.join(", ")
        );
        let sensors = zones.iter().map(|zone| zone.sensor.clone()).collect();
        Ok(RaplMeter { zones, sensors })
    }
}

struct Zone {
    sensor: EnergySensor,
    counter: Reread,
    /// Largest value in microjoules; after it the counter starts at zero.
    range: f64,
    last: Option<f64>,
    /// Microjoules counted before the last wrap-around.
    wrapped: f64,
}

impl Zone {
    /// Joules, wrap-around undone. The counter must be read more often than it wraps, which takes
    /// minutes at full load.
    fn joules(&mut self) -> Option<f64> {
        let value = self.counter.number()?;
        if self.last.is_some_and(|last| value < last) {
            self.wrapped += self.range;
        }
        self.last = Some(value);
        Some((self.wrapped + value) * 1e-6)
    }
}

/// The zones that can be read, and why others cannot, sorted by name.
fn zones(folder: &Path) -> (Vec<Zone>, Vec<String>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    // `intel-rapl:0` is a package, `intel-rapl:0:1` a zone in it; `intel-rapl-mmio` counts the same again.
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let names: BTreeSet<String> = names
        .filter(|name| name.starts_with("intel-rapl:"))
        .collect();
    let mut zones = Vec::new();
    let mut refused = Vec::new();
    for entry in &names {
        let Some(name) = zone_name(folder, entry) else {
            continue;
        };
        match zone(&folder.join(entry), &name) {
            Ok(zone) => zones.push(zone),
            Err(reason) => refused.push(format!("{name}: {reason}")),
        }
    }
    (zones, refused)
}

/// `package-0`, or `package-0/core` for a zone in it.
fn zone_name(folder: &Path, entry: &str) -> Option<String> {
    let read = |entry: &str| fs::read_to_string(folder.join(entry).join("name")).ok();
    let own = read(entry)?.trim().to_owned();
    let outer = entry.rsplit_once(':').map(|(outer, _)| outer);
    match outer.filter(|outer| outer.contains(':')).and_then(read) {
        Some(outer) => Some(format!("{}/{own}", outer.trim())),
        None => Some(own),
    }
}

fn zone(path: &Path, name: &str) -> Result<Zone, String> {
    let open = |file: &str| {
        let path = path.join(file);
        let opened = Reread::try_open(&path, 32);
        opened.map_err(|error| format!("{} ({error})", path.display()))
    };
    let counter = open("energy_uj")?;
    let range = open("max_energy_range_uj")?.number();
    let range = range.filter(|range| *range > 0.0);
    let part_of = name
        .split_once('/')
        .filter(|(_, part)| *part != "dram")
        .map(|(outer, _)| outer.to_owned());
    let mut zone = Zone {
        sensor: EnergySensor {
            name: name.to_owned(),
            domain: name.to_owned(),
            part_of,
            kind: EnergyKind::Counter,
            resolution: 1e-6,
        },
        counter,
        range: range.ok_or("max_energy_range_uj holds no number")?,
        last: None,
        wrapped: 0.0,
    };
    match zone.joules() {
        Some(_) => Ok(zone),
        None => Err("energy_uj holds no number".to_owned()),
    }
}

struct RaplMeter {
    zones: Vec<Zone>,
    sensors: Vec<EnergySensor>,
}

impl EnergyMeter for RaplMeter {
    fn sensors(&self) -> &[EnergySensor] {
        &self.sensors
    }

    fn read(&mut self, values: &mut Vec<Option<f64>>) {
        values.extend(self.zones.iter_mut().map(Zone::joules));
    }
}

/// The sum of what is no part of another zone.
struct Total(RaplMeter);

impl Sampler for Total {
    fn read(&mut self, out: &mut Vec<Reading>) {
        let whole = self.0.zones.iter_mut();
        let whole =
            whole.filter(|zone| zone.sensor.part_of.is_none() && zone.sensor.name != "psys");
        let joules: Option<Vec<f64>> = whole.map(Zone::joules).collect();
        if let Some(joules) = joules.filter(|joules| !joules.is_empty()) {
            out.push(Reading {
                quantity: Quantity::EnergyJ,
                value: joules.iter().sum(),
            });
        }
    }
}
