//! Energy sensors on recorded trees and on cards that do not exist.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nongemm_core::plugin::{Availability, EnergyKind, EnergyMeter, HardwareProbe, Quantity};
use nongemm_probes::{Card, Cards, HwmonProbe, NvmlProbe, RaplProbe, Refused};

fn tree(name: &str) -> PathBuf {
    let trees = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trees");
    trees.join(name)
}

fn meter(probe: &dyn HardwareProbe) -> Box<dyn EnergyMeter> {
    probe.energy().unwrap().unwrap()
}

fn names(meter: &dyn EnergyMeter) -> Vec<&str> {
    meter.sensors().iter().map(|s| s.name.as_str()).collect()
}

fn values(meter: &mut dyn EnergyMeter) -> Vec<Option<f64>> {
    let mut values = Vec::new();
    meter.read(&mut values);
    values
}

#[test]
fn two_packages_have_their_zones_and_dram_is_no_part_of_them() {
    let mut meter = meter(&RaplProbe::at(tree("rapl-two-packages")));
    assert_eq!(
        names(meter.as_ref()),
        [
            "package-0",
            "package-0/core",
            "package-0/dram",
            "package-1",
            "package-1/dram"
        ]
    );
    let parts: Vec<Option<&str>> = meter
        .sensors()
        .iter()
        .map(|s| s.part_of.as_deref())
        .collect();
    assert_eq!(parts, [None, Some("package-0"), None, None, None]);
    assert_eq!(
        values(meter.as_mut()),
        [
            Some(100_000.0),
            Some(40_000.5),
            Some(7_000.0),
            Some(90_000.0),
            Some(6_000.0)
        ]
    );
    // The sum of what is not counted twice.
    let mut readings = Vec::new();
    RaplProbe::at(tree("rapl-two-packages"))
        .start(Duration::ZERO)
        .unwrap()
        .read(&mut readings);
    assert_eq!(readings[0].quantity, Quantity::EnergyJ);
    assert_eq!(readings[0].value, 203_000.0);
}

#[test]
fn amd_has_no_dram_zone() {
    let meter = meter(&RaplProbe::at(tree("rapl-amd")));
    assert_eq!(names(meter.as_ref()), ["package-0", "package-0/core"]);
}

/// A tree with one package, whose counter is written by the test.
fn package(energy: &str) -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let zone = root.path().join("sys/class/powercap/intel-rapl:0");
    fs::create_dir_all(&zone).unwrap();
    fs::write(zone.join("name"), "package-0\n").unwrap();
    fs::write(zone.join("max_energy_range_uj"), "262143328850\n").unwrap();
    fs::write(zone.join("energy_uj"), energy).unwrap();
    (root, zone.join("energy_uj"))
}

#[test]
fn a_counter_that_wraps_goes_on_and_one_that_stands_still_stays() {
    let (root, energy) = package("262143000000\n");
    let mut meter = meter(&RaplProbe::at(root.path()));
    let first = values(meter.as_mut())[0].unwrap();
    assert_eq!(values(meter.as_mut())[0], Some(first));
    fs::write(&energy, "671150\n").unwrap();
    let second = values(meter.as_mut())[0].unwrap();
    assert!((second - first - 1.0).abs() < 1e-6, "{}", second - first);
    fs::write(&energy, "1671150\n").unwrap();
    let third = values(meter.as_mut())[0].unwrap();
    assert!((third - second - 1.0).abs() < 1e-6);
    fs::write(&energy, "").unwrap();
    assert_eq!(values(meter.as_mut()), [None], "no number is no zero");
}

#[test]
fn a_zone_that_may_not_be_read_is_named_and_the_rest_goes_on() {
    use std::os::unix::fs::PermissionsExt;
    let (root, energy) = package("1000000\n");
    let second = root.path().join("sys/class/powercap/intel-rapl:1");
    fs::create_dir_all(&second).unwrap();
    fs::write(second.join("name"), "package-1\n").unwrap();
    fs::write(second.join("max_energy_range_uj"), "262143328850\n").unwrap();
    fs::write(second.join("energy_uj"), "1\n").unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&energy, fs::Permissions::from_mode(0o000)).unwrap();
    // SAFETY: makes file accesses of this thread those of another user; what root may do is dropped.
    unsafe { libc::setfsuid(65534) };
    let probe = RaplProbe::at(root.path());
    let Availability::Ready { detail } = probe.check() else {
        panic!("package-1 can be read");
    };
    assert!(
        detail.starts_with("package-1; not: package-0: ") && detail.contains("Permission denied"),
        "{detail}"
    );
    assert_eq!(names(meter(&probe).as_ref()), ["package-1"]);
    // SAFETY: as above, back.
    unsafe { libc::setfsuid(0) };
}

#[test]
fn without_zones_there_is_a_reason() {
    let nothing = tempfile::tempdir().unwrap();
    for probe in [
        &RaplProbe::at(nothing.path()) as &dyn HardwareProbe,
        &HwmonProbe::at(nothing.path()),
    ] {
        assert!(!probe.check().is_ready(), "{}", probe.id());
        assert!(probe.energy().is_err() && probe.start(Duration::ZERO).is_err());
    }
}

#[test]
fn sockets_of_amd_energy_are_packages_and_cores_are_left_out() {
    let mut meter = meter(&HwmonProbe::at(tree("hwmon-amd-energy")));
    assert_eq!(names(meter.as_ref()), ["amd_energy/Esocket0"]);
    assert_eq!(meter.sensors()[0].domain, "package-0");
    assert_eq!(values(meter.as_mut()), [Some(512.25)]);
}

#[test]
fn rails_give_power_or_voltage_and_current() {
    let mut meter = meter(&HwmonProbe::at(tree("hwmon-board")));
    assert_eq!(
        names(meter.as_ref()),
        [
            "ina3221/VDD_IN",
            "ina3221/VDD_CPU_GPU_CV",
            "power_meter/power1",
            "BAT0"
        ]
    );
    assert!(meter.sensors().iter().all(|s| s.kind == EnergyKind::Power));
    let found = values(meter.as_mut());
    let expected = [5.0 * 1.2, 5.0 * 0.4, 88.5, 11.4 * 1.5];
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found.unwrap() - expected).abs() < 1e-9,
            "{found:?} {expected}"
        );
    }
}

#[test]
fn a_battery_that_charges_measures_nothing() {
    let root = tempfile::tempdir().unwrap();
    let battery = root.path().join("sys/class/power_supply/BAT0");
    fs::create_dir_all(&battery).unwrap();
    fs::write(battery.join("type"), "Battery\n").unwrap();
    fs::write(battery.join("status"), "Charging\n").unwrap();
    fs::write(battery.join("power_now"), "9000000\n").unwrap();
    let Availability::Missing { reason, .. } = HwmonProbe::at(root.path()).check() else {
        panic!("it charges");
    };
    assert_eq!(reason, "BAT0: it is not discharging");
}

/// A card with known values; one before Volta has no energy counter.
struct Fake {
    has_counter: bool,
    throttled: bool,
}

static ENERGY_MJ: AtomicU64 = AtomicU64::new(5_000);

impl Card for Fake {
    fn name(&self) -> String {
        "Fake 9000".to_owned()
    }

    fn energy_mj(&self) -> Result<u64, Refused> {
        match self.has_counter {
            true => Ok(ENERGY_MJ.load(Ordering::Relaxed)),
            false => Err(Refused::NotSupported),
        }
    }

    fn power_mw(&self) -> Result<u32, Refused> {
        Ok(71_500)
    }

    fn clock_mhz(&self) -> Result<u32, Refused> {
        Ok(1_980)
    }

    fn temperature_c(&self) -> Result<u32, Refused> {
        Ok(44)
    }

    fn throttled(&self) -> Result<bool, Refused> {
        Ok(self.throttled)
    }

    fn utilisation_percent(&self) -> Result<u32, Refused> {
        Err(Refused::Other("vGPU".to_owned()))
    }

    fn memory_bytes(&self) -> Result<u64, Refused> {
        Ok(1 << 30)
    }
}

fn two_cards() -> Result<Cards, String> {
    let card = |has_counter, throttled| -> Box<dyn Card> {
        Box::new(Fake {
            has_counter,
            throttled,
        })
    };
    Ok(vec![card(true, false), card(false, true)])
}

#[test]
fn a_card_gives_its_counter_and_its_power_as_far_as_it_has_them() {
    let probe = NvmlProbe::of(two_cards);
    assert_eq!(
        probe.check(),
        Availability::ready("Fake 9000, Fake 9000 (no energy counter)")
    );
    let mut meter = meter(&probe);
    assert_eq!(
        names(meter.as_ref()),
        ["gpu-0/energy", "gpu-0/power", "gpu-1/power"]
    );
    let domains: Vec<&str> = meter.sensors().iter().map(|s| s.domain.as_str()).collect();
    assert_eq!(domains, ["gpu-0", "gpu-0", "gpu-1"]);
    assert_eq!(values(meter.as_mut()), [Some(5.0), Some(71.5), Some(71.5)]);
}

#[test]
fn gauges_leave_out_what_a_card_does_not_tell() {
    let mut readings = Vec::new();
    let mut sampler = NvmlProbe::of(two_cards).start(Duration::ZERO).unwrap();
    sampler.read(&mut readings);
    let of = |quantity| {
        let values = readings.iter().filter(|r| r.quantity == quantity);
        values.map(|r| r.value).reduce(f64::max)
    };
    assert_eq!(of(Quantity::DevicePowerW), Some(71.5));
    assert_eq!(of(Quantity::DeviceClockHz), Some(1.98e9));
    assert_eq!(of(Quantity::DeviceTemperatureC), Some(44.0));
    assert_eq!(of(Quantity::DeviceThrottled), Some(1.0));
    assert_eq!(of(Quantity::DeviceUtilisation), None);
    assert_eq!(of(Quantity::DeviceMemoryBytes), Some((1u64 << 30) as f64));
}

#[test]
fn an_absent_driver_is_a_reason() {
    let probe = NvmlProbe::of(|| Err("libnvidia-ml.so.1 cannot be loaded".to_owned()));
    assert_eq!(
        probe.check(),
        Availability::missing(
            "libnvidia-ml.so.1 cannot be loaded",
            "install NVIDIA's driver"
        )
    );
    assert!(probe.energy().is_err() && probe.start(Duration::ZERO).is_err());
    let none = NvmlProbe::of(|| Ok(Cards::new()));
    assert!(!none.check().is_ready());
}
