//! The probe `hwmon`: power and energy from hardware monitors and batteries.
//!
//! `amd_energy` counts the energy of each socket, board and system-on-chip monitors give the power of
//! their rails (or voltage and current), a battery what it gives while it discharges.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nongemm_core::plugin::{
    Availability, EnergyKind, EnergyMeter, EnergySensor, HardwareProbe, Quantity, Reading, Sampler,
};
use nongemm_core::register;

use crate::reread::Reread;

/// Sensors under `/sys/class/hwmon` and `/sys/class/power_supply`.
#[derive(Debug)]
pub struct HwmonProbe {
    root: Option<PathBuf>,
}

static HWMON: HwmonProbe = HwmonProbe { root: None };
register!(dyn HardwareProbe, &HWMON);

impl HwmonProbe {
    /// A probe that reads the files under `root` instead of `/`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        HwmonProbe {
            root: Some(root.into()),
        }
    }

    fn find(&self) -> Found {
        let root = self.root.as_deref().unwrap_or(Path::new("/"));
        let mut found = Found::default();
        for monitor in folders(&root.join("sys/class/hwmon")) {
            let name = text(&monitor.join("name")).unwrap_or_default();
            energy_inputs(&monitor, &name, &mut found);
            power_inputs(&monitor, &name, &mut found);
            rails(&monitor, &name, &mut found);
        }
        for supply in folders(&root.join("sys/class/power_supply")) {
            battery(&supply, &mut found);
        }
        found
    }
}

impl HardwareProbe for HwmonProbe {
    fn id(&self) -> &'static str {
        "hwmon"
    }

    fn summary(&self) -> &'static str {
        "energy and power of hardware monitors (amd_energy, rails of boards and chips) and batteries"
    }

    fn quantities(&self) -> &'static [Quantity] {
        &[Quantity::EnergyJ]
    }

    fn check(&self) -> Availability {
        let found = self.find();
        let names: Vec<&str> = found.sensors.iter().map(|s| s.name.as_str()).collect();
        match (names.as_slice(), found.refused.as_slice()) {
            ([], []) => Availability::missing(
                "no hardware monitor gives energy or power, and there is no battery",
                "load the monitor's module, such as amd_energy or ina3221, where the machine has one",
            ),
            ([], refused) => Availability::missing(
                refused.join(", "),
                "let this user read these files, or run on battery",
            ),
            (_, []) => Availability::ready(names.join(", ")),
            (_, refused) => {
                Availability::ready(format!("{}; not: {}", names.join(", "), refused.join(", ")))
            }
        }
    }

    fn start(&self, _period: Duration) -> anyhow::Result<Box<dyn Sampler>> {
        anyhow::ensure!(
            !self.find().sensors.is_empty(),
            "probe hwmon: no sensor can be read"
        );
        Ok(Box::new(NoReadings))
    }

    fn energy(&self) -> anyhow::Result<Option<Box<dyn EnergyMeter>>> {
        let found = self.find();
        let refused = found.refused.join(", ");
        anyhow::ensure!(
            !found.sensors.is_empty(),
            "probe hwmon: no sensor: {refused}"
        );
        Ok(Some(Box::new(found)))
    }
}

/// Its sensors are for windows; between samples there is nothing to read.
struct NoReadings;

impl Sampler for NoReadings {
    fn read(&mut self, _: &mut Vec<Reading>) {}
}

/// Where a value comes from: a file, or the product of two.
enum Source {
    File(Reread),
    Product(Reread, Reread),
}

/// Sensors that can be read, with the factor to joules or watts, and why others cannot.
#[derive(Default)]
struct Found {
    sensors: Vec<EnergySensor>,
    sources: Vec<(Source, f64)>,
    refused: Vec<String>,
}

impl Found {
    fn add(&mut self, sensor: EnergySensor, factor: f64, files: &[PathBuf]) {
        let opened: std::io::Result<Vec<Reread>> = files
            .iter()
            .map(|file| Reread::try_open(file, 32))
            .collect();
        let mut opened = match opened {
            Ok(opened) => opened.into_iter(),
            Err(error) => return self.refused.push(format!("{}: {error}", sensor.name)),
        };
        let source = match (opened.next(), opened.next()) {
            (Some(one), None) => Source::File(one),
            (Some(one), Some(two)) => Source::Product(one, two),
            (None, _) => return,
        };
        let mut source = (source, factor);
        if value(&mut source).is_some() {
            self.sensors.push(sensor);
            self.sources.push(source);
        } else {
            self.refused.push(format!("{}: no number", sensor.name));
        }
    }
}

fn value((source, factor): &mut (Source, f64)) -> Option<f64> {
    let raw = match source {
        Source::File(file) => file.number()?,
        Source::Product(one, two) => one.number()? * two.number()?,
    };
    Some(raw * *factor)
}

impl EnergyMeter for Found {
    fn sensors(&self) -> &[EnergySensor] {
        &self.sensors
    }

    fn read(&mut self, values: &mut Vec<Option<f64>>) {
        values.extend(self.sources.iter_mut().map(value));
    }
}

fn sensor(name: String, kind: EnergyKind, resolution: f64) -> EnergySensor {
    EnergySensor {
        domain: name.clone(),
        name,
        part_of: None,
        kind,
        resolution,
    }
}

/// `energyN_input` in microjoules. `amd_energy` calls sockets `Esocket0` and cores `Ecore000`; the cores
/// are parts of the sockets and left out.
fn energy_inputs(monitor: &Path, name: &str, found: &mut Found) {
    for index in indices(monitor, "energy", "_input") {
        let label = label(monitor, &format!("energy{index}"));
        if label.starts_with("Ecore") {
            continue;
        }
        let mut sensor = sensor(format!("{name}/{label}"), EnergyKind::Counter, 1e-6);
        if let Some(socket) = label.strip_prefix("Esocket") {
            sensor.domain = format!("package-{socket}");
        }
        let file = monitor.join(format!("energy{index}_input"));
        found.add(sensor, 1e-6, &[file]);
    }
}

/// `powerN_input`, else `powerN_average`, in microwatts.
fn power_inputs(monitor: &Path, name: &str, found: &mut Found) {
    let mut seen = indices(monitor, "power", "_input");
    let inputs = seen.clone();
    seen.extend(indices(monitor, "power", "_average"));
    seen.sort_unstable();
    seen.dedup();
    for index in seen {
        let suffix = if inputs.contains(&index) {
            "input"
        } else {
            "average"
        };
        let label = label(monitor, &format!("power{index}"));
        let file = monitor.join(format!("power{index}_{suffix}"));
        let sensor = sensor(format!("{name}/{label}"), EnergyKind::Power, 1e-6);
        found.add(sensor, 1e-6, &[file]);
    }
}

/// Rails that give millivolts (`inN_input`) and milliamperes (`currN_input`) instead of power.
fn rails(monitor: &Path, name: &str, found: &mut Found) {
    let powered = indices(monitor, "power", "_input");
    let voltages = indices(monitor, "in", "_input");
    let both = indices(monitor, "curr", "_input").into_iter();
    for index in both.filter(|i| voltages.contains(i) && !powered.contains(i)) {
        let label = label(monitor, &format!("in{index}"));
        let files = [
            monitor.join(format!("in{index}_input")),
            monitor.join(format!("curr{index}_input")),
        ];
        let sensor = sensor(format!("{name}/{label}"), EnergyKind::Power, 1e-6);
        found.add(sensor, 1e-6, &files);
    }
}

/// A battery gives the power of the whole machine, while it discharges.
fn battery(supply: &Path, found: &mut Found) {
    if text(&supply.join("type")).as_deref() != Some("Battery") {
        return;
    }
    let name = file_name(supply).to_owned();
    let status = text(&supply.join("status")).unwrap_or_default();
    if status != "Discharging" {
        found.refused.push(format!("{name}: it is not discharging"));
        return;
    }
    let mut sensor = sensor(name, EnergyKind::Power, 1e-6);
    sensor.domain = "machine".to_owned();
    let power = supply.join("power_now");
    if power.is_file() {
        found.add(sensor, 1e-6, &[power]);
    } else {
        // Microamperes times microvolts.
        let files = [supply.join("current_now"), supply.join("voltage_now")];
        found.add(sensor, 1e-12, &files);
    }
}

fn label(monitor: &Path, input: &str) -> String {
    text(&monitor.join(format!("{input}_label"))).unwrap_or_else(|| input.to_owned())
}

fn text(file: &Path) -> Option<String> {
    Some(fs::read_to_string(file).ok()?.trim().to_owned())
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("")
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

/// The numbers N of the files `{prefix}N{suffix}` of a folder, in order.
fn indices(folder: &Path, prefix: &str, suffix: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut indices: Vec<u32> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_prefix(prefix)?
                .strip_suffix(suffix)?
                .parse()
                .ok()
        })
        .collect();
    indices.sort_unstable();
    indices
}
