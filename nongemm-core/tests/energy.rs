//! Energy windows on sensors whose power is known.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nongemm_core::measure::{Clock, EnergyPlan, EnergyResult, EnergySetup, Meters, measure_energy};
use nongemm_core::plugin::{EnergyKind, EnergyMeter, EnergySensor};

const IDLE_W: f64 = 20.0;
const LOAD_W: f64 = 120.0;

/// A machine with a clock that moves when told to, and the energy that it really used.
#[derive(Default)]
struct Machine {
    now: AtomicU64,
    microjoules: AtomicU64,
}

impl Machine {
    fn spend(&self, time: Duration, watts: f64) {
        let ns = time.as_nanos() as u64;
        self.now.fetch_add(ns, Ordering::SeqCst);
        let energy = (watts * time.as_secs_f64() * 1e6).round() as u64;
        self.microjoules.fetch_add(energy, Ordering::SeqCst);
    }
}

impl Clock for Machine {
    fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }
}

/// A counter that is updated once in a period.
struct Counter {
    machine: Arc<Machine>,
    period_ns: u64,
    factor: f64,
    shown: (u64, u64),
    sensors: Vec<EnergySensor>,
}

fn counter(
    machine: &Arc<Machine>,
    name: &str,
    period: Duration,
    factor: f64,
) -> Box<dyn EnergyMeter> {
    Box::new(Counter {
        machine: machine.clone(),
        period_ns: period.as_nanos() as u64,
        factor,
        shown: (0, 0),
        sensors: vec![EnergySensor {
            name: name.to_owned(),
            domain: "package-0".to_owned(),
            part_of: None,
            kind: EnergyKind::Counter,
            resolution: 1e-6,
        }],
    })
}

impl EnergyMeter for Counter {
    fn sensors(&self) -> &[EnergySensor] {
        &self.sensors
    }

    fn read(&mut self, values: &mut Vec<Option<f64>>) {
        let tick = self.machine.now() / self.period_ns.max(1);
        if tick != self.shown.0 {
            self.shown = (tick, self.machine.microjoules.load(Ordering::SeqCst));
        }
        values.push(Some(self.shown.1 as f64 * 1e-6 * self.factor));
    }
}

fn measure(machine: &Arc<Machine>, meters: Vec<Box<dyn EnergyMeter>>) -> EnergyResult {
    measure_in_turns(machine, meters, 1)
}

/// `calls` inferences between two looks at the clock.
fn measure_in_turns(
    machine: &Arc<Machine>,
    meters: Vec<Box<dyn EnergyMeter>>,
    calls: u64,
) -> EnergyResult {
    let named = meters.into_iter().map(|meter| ("fake".to_owned(), meter));
    let mut meters = Meters::new(named.collect());
    let setup = EnergySetup {
        plan: EnergyPlan {
            background: false,
            calls,
            ..EnergyPlan::default()
        },
        clock: machine.as_ref(),
        pause: &|time| machine.spend(time, IDLE_W),
        interrupted: &AtomicBool::new(false),
    };
    let mut infer = || {
        machine.spend(Duration::from_millis(10), LOAD_W);
        Ok(())
    };
    measure_energy(&mut meters, &setup, &mut infer).unwrap()
}

#[test]
fn inferences_that_follow_each_other_are_all_counted() {
    let machine = Arc::new(Machine::default());
    let meters = vec![counter(&machine, "a", Duration::from_millis(1), 1.0)];
    let row = measure_in_turns(&machine, meters, 7).rows.remove(0);
    assert!(row.inferences > 0 && row.inferences.is_multiple_of(7));
    // 10 ms at 120 W.
    assert!((row.gross_j_per_inference - 1.2).abs() < 0.02, "{row:?}");
}

#[test]
fn known_power_gives_known_energy_per_inference() {
    let machine = Arc::new(Machine::default());
    let fast = counter(&machine, "fast", Duration::from_millis(1), 1.0);
    let result = measure(&machine, vec![fast]);
    assert!(result.left_out.is_empty(), "{:?}", result.left_out);
    let row = &result.rows[0];
    assert!((row.idle_w - IDLE_W).abs() < 0.1, "{row:?}");
    assert!((row.gross_j_per_inference - 1.2).abs() < 0.01, "{row:?}");
    assert!((row.net_j_per_inference - 1.0).abs() < 0.01, "{row:?}");
    assert_eq!((row.windows, row.inferences), (2, 1000));
    assert!(row.window_ns.iter().all(|&ns| ns >= 5_000_000_000));
    assert_eq!(row.update_period_ns, Some(10e6), "as often as it is read");
}

#[test]
fn a_slow_sensor_gets_a_longer_window() {
    let machine = Arc::new(Machine::default());
    let slow = counter(&machine, "slow", Duration::from_secs(1), 1.0);
    let result = measure(&machine, vec![slow]);
    let row = &result.rows[0];
    let last = *row.window_ns.last().unwrap();
    assert!(last >= 20_000_000_000, "20 updates of 1 s, {last} ns");
    assert!((row.gross_j_per_inference - 1.2).abs() < 0.06, "{row:?}");
}

#[test]
fn sensors_that_cannot_be_trusted_are_left_out_with_the_reason() {
    let machine = Arc::new(Machine::default());
    let meters = vec![
        counter(&machine, "still", Duration::from_secs(3600), 1.0),
        counter(&machine, "lazy", Duration::from_secs(4), 1.0),
        counter(&machine, "good", Duration::from_millis(50), 1.0),
    ];
    let result = measure(&machine, meters);
    let names: Vec<&str> = result.rows.iter().map(|row| row.sensor.as_str()).collect();
    assert_eq!(names, ["good"]);
    assert_eq!(result.left_out[0], "fake still: it stood still");
    assert!(
        result.left_out[1].contains("needs windows of 80 s; the longest is 60 s"),
        "{}",
        result.left_out[1]
    );
}

#[test]
fn two_sensors_of_one_thing_are_reconciled() {
    for (factor, agrees) in [(1.03, true), (1.08, false)] {
        let machine = Arc::new(Machine::default());
        let period = Duration::from_millis(10);
        let meters = vec![
            counter(&machine, "one", period, 1.0),
            counter(&machine, "two", period, factor),
        ];
        let result = measure(&machine, meters);
        let found = result.rows[0].reconciled.as_ref().unwrap();
        assert_eq!((found.sensor.as_str(), found.agrees), ("two", agrees));
        assert!((found.difference - (1.0 / factor - 1.0)).abs() < 1e-3);
    }
}
