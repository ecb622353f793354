//! The probes on recorded trees, on this machine, and on nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nongemm_core::plugin::{Availability, HardwareProbe, Quantity, Sampler};
use nongemm_probes::{ProcessProbe, SchedulerProbe};

fn tree(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/trees")
        .join(name)
}

fn read(sampler: &mut dyn Sampler) -> BTreeMap<Quantity, f64> {
    let mut readings = Vec::new();
    sampler.read(&mut readings);
    readings.iter().map(|r| (r.quantity, r.value)).collect()
}

fn scheduler(name: &str) -> BTreeMap<Quantity, f64> {
    let probe = SchedulerProbe::at(tree(name));
    read(probe.start(Duration::ZERO).unwrap().as_mut())
}

fn tick_ns() -> f64 {
    // SAFETY: sysconf only answers a question.
    1e9 / unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64
}

/// user + nice + system + irq + softirq of the first line.
fn busy_ns(name: &str) -> f64 {
    let stat = fs::read_to_string(tree(name).join("proc/stat")).unwrap();
    let fields = stat.lines().next().unwrap().split_whitespace().skip(1);
    let ticks: Vec<f64> = fields.map(|field| field.parse().unwrap()).collect();
    [0, 1, 2, 5, 6].iter().map(|&i| ticks[i]).sum::<f64>() * tick_ns()
}

#[test]
fn a_workstation_has_everything() {
    let expected = BTreeMap::from([
        (Quantity::StealNs, 0.0),
        (Quantity::BusyNs, busy_ns("workstation")),
        (Quantity::LoadAverage, 0.52),
        (Quantity::FrequencyHz, 4.65e9),
        (Quantity::TemperatureC, 61.25),
    ]);
    assert_eq!(scheduler("workstation"), expected);
    assert_eq!(
        SchedulerProbe::at(tree("workstation")).check(),
        Availability::ready("steal time, load average, frequency, temperature")
    );
}

#[test]
fn a_guest_has_steal_time_and_no_sensors() {
    let expected = BTreeMap::from([
        (Quantity::StealNs, 817.0 * tick_ns()),
        (Quantity::BusyNs, busy_ns("kvm-guest")),
        (Quantity::LoadAverage, 2.22),
        (Quantity::FrequencyHz, 2596.132e6),
    ]);
    assert_eq!(scheduler("kvm-guest"), expected);
    assert_eq!(
        SchedulerProbe::at(tree("kvm-guest")).check(),
        Availability::ready("steal time, load average, frequency; not here: temperature")
    );
}

#[test]
fn what_a_sandbox_hides_is_no_reading_rather_than_zero() {
    assert_eq!(
        scheduler("sandbox"),
        BTreeMap::from([(Quantity::LoadAverage, 0.0)])
    );
    let process = ProcessProbe::at(tree("sandbox"));
    let readings = read(process.start(Duration::ZERO).unwrap().as_mut());
    assert!(!readings.contains_key(&Quantity::PeakRssBytes));
    assert_eq!(
        process.check(),
        Availability::ready("getrusage; no peak memory: /proc/self/status has no VmHWM")
    );
}

#[test]
fn without_any_file_the_probe_is_missing() {
    let nothing = tempfile::tempdir().unwrap();
    let probe = SchedulerProbe::at(nothing.path());
    assert_eq!(
        probe.check(),
        Availability::missing(
            "neither /proc/stat nor /proc/loadavg nor a frequency or temperature sensor can be read",
            "run on Linux with /proc and /sys mounted"
        )
    );
    let error = probe.start(Duration::ZERO).map(|_| ()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "probe scheduler: nothing in /proc and /sys can be read"
    );
}

#[test]
fn peak_memory_is_in_bytes() {
    let probe = ProcessProbe::at(tree("workstation"));
    let readings = read(probe.start(Duration::ZERO).unwrap().as_mut());
    assert_eq!(readings[&Quantity::PeakRssBytes], 512.0 * 1024.0 * 1024.0);
}

#[test]
fn files_are_read_again_in_place_and_may_vanish() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("proc")).unwrap();
    let stat = root.path().join("proc/stat");
    let load = root.path().join("proc/loadavg");
    fs::write(&stat, "cpu  1 1 1 1 1 1 1 100 0 0\n").unwrap();
    fs::write(&load, "1.50 1 1 1/1 1\n").unwrap();
    let mut sampler = SchedulerProbe::at(root.path())
        .start(Duration::ZERO)
        .unwrap();
    assert_eq!(
        read(sampler.as_mut())[&Quantity::StealNs],
        100.0 * tick_ns()
    );
    fs::write(&stat, "cpu  1 1 1 1 1 1 1 250 0 0\n").unwrap();
    fs::write(&load, "").unwrap();
    let expected = BTreeMap::from([
        (Quantity::StealNs, 250.0 * tick_ns()),
        (Quantity::BusyNs, 5.0 * tick_ns()),
    ]);
    assert_eq!(read(sampler.as_mut()), expected);
}

#[test]
fn gauges_are_read_once_in_a_period_and_counters_always() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("proc")).unwrap();
    let write = |steal: u32, load: &str| {
        let stat = format!("cpu  1 1 1 1 1 1 1 {steal} 0 0\n");
        fs::write(root.path().join("proc/stat"), stat).unwrap();
        fs::write(
            root.path().join("proc/loadavg"),
            format!("{load} 1 1 1/1 1\n"),
        )
        .unwrap();
    };
    write(1, "0.50");
    let hour = Duration::from_secs(3600);
    let mut sampler = SchedulerProbe::at(root.path()).start(hour).unwrap();
    read(sampler.as_mut());
    write(2, "0.75");
    let readings = read(sampler.as_mut());
    assert_eq!(readings[&Quantity::StealNs], 2.0 * tick_ns());
    assert_eq!(readings[&Quantity::LoadAverage], 0.5);
}

#[test]
fn processor_time_grows_with_work() {
    let probe = ProcessProbe::at("/");
    assert!(probe.check().is_ready());
    let mut sampler = probe.start(Duration::ZERO).unwrap();
    let before = read(sampler.as_mut());
    let mut x = 1u64;
    for i in 0..50_000_000u64 {
        x = std::hint::black_box(x.wrapping_mul(i | 1));
    }
    let after = read(sampler.as_mut());
    assert!(after[&Quantity::CpuTimeNs] > before[&Quantity::CpuTimeNs]);
    for quantity in probe.quantities() {
        assert!(after[quantity] >= before[quantity], "{quantity:?}");
    }
}

#[test]
fn a_reading_says_only_what_the_probe_announces() {
    let probes: [&dyn HardwareProbe; 2] = [&ProcessProbe::at("/"), &SchedulerProbe::at("/")];
    for probe in probes {
        let mut sampler = probe.start(Duration::ZERO).unwrap();
        for quantity in read(sampler.as_mut()).keys() {
            assert!(
                probe.quantities().contains(quantity),
                "{}: {quantity:?}",
                probe.id()
            );
        }
    }
}
