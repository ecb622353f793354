//! The hottest sensor of the machine.

use std::fs;
use std::path::{Path, PathBuf};

use crate::reread::Reread;

/// Thermal zones and hardware monitors, in thousandths of a degree Celsius.
pub(super) struct Temperature {
    sensors: Vec<Reread>,
}

/// What a sensor can say; switched-off ones say such things as -274 or 255 degrees.
const PLAUSIBLE: std::ops::Range<f64> = -60.0..200.0;

impl Temperature {
    pub(super) fn open(root: &Path) -> Option<Self> {
        let zones = entries(&root.join("sys/class/thermal"))
            .filter(|path| file_name(path).starts_with("thermal_zone"))
            .map(|zone| zone.join("temp"));
        let monitors = entries(&root.join("sys/class/hwmon"))
            .flat_map(|monitor| entries(&monitor))
            .filter(|path| is_input(file_name(path)));
        let mut temperature = Temperature {
            sensors: zones
                .chain(monitors)
                .filter_map(|path| Reread::open(&path, 32))
                .collect(),
        };
        temperature.celsius().is_some().then_some(temperature)
    }

    /// Degrees Celsius.
    pub(super) fn celsius(&mut self) -> Option<f64> {
        let readings = self.sensors.iter_mut().filter_map(Reread::number);
        readings
            .map(|thousandths| thousandths / 1e3)
            .filter(|degrees| PLAUSIBLE.contains(degrees))
            .reduce(f64::max)
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    found.map(|entry| entry.path())
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("")
}

/// `temp1_input`, `temp2_input`, ...
fn is_input(name: &str) -> bool {
    name.starts_with("temp") && name.ends_with("_input")
}
