//! Energy per inference.
//!
//! Idle, load, idle, load, ..., idle: windows in which the session runs again and again, each between two
//! in which it does nothing. A window lasts long enough for the sensor: at least twenty of the update
//! periods that are seen. A sensor that cannot be trusted is left out with a reason; nothing is
//! estimated in its place.

mod meters;
mod rows;
mod track;

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use self::meters::Meters;
use super::clock::Clock;
use crate::record::EnergyRow;

/// A window holds at least this many update periods of a sensor, so that what lies between its last
/// update and the window's ends is at most 5% of it.
const PERIODS: f64 = 20.0;

/// How energy is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EnergyPlan {
    /// Shortest window under load.
    pub window: Duration,
    /// Shortest idle window.
    pub idle: Duration,
    /// Longest window: slower sensors are left out.
    pub longest: Duration,
    /// Number of windows under load.
    pub windows: usize,
    /// Inferences between two readings of the clock: more than one where each is short.
    pub calls: u64,
    /// Time between two readings.
    pub poll: Duration,
    /// Whether a thread of its own reads the sensors while the session runs, else they are read between
    /// inferences.
    pub background: bool,
}

impl Default for EnergyPlan {
    fn default() -> Self {
        EnergyPlan {
            window: Duration::from_secs(5),
            idle: Duration::from_secs(2),
            longest: Duration::from_secs(60),
            windows: 2,
            calls: 1,
            poll: Duration::from_millis(10),
            background: true,
        }
    }
}

/// What the measurement of energy works with.
pub struct EnergySetup<'a> {
    /// How.
    pub plan: EnergyPlan,
    /// The clock.
    pub clock: &'a (dyn Clock + Sync),
    /// Does nothing for a while.
    pub pause: &'a dyn Fn(Duration),
    /// Set when the user interrupts: what is measured then is given up.
    pub interrupted: &'a AtomicBool,
}

/// What the sensors gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EnergyResult {
    /// One row for each sensor that can be trusted.
    pub rows: Vec<EnergyRow>,
    /// Why the others cannot.
    pub left_out: Vec<String>,
}

/// One window: what each sensor counted in it.
#[derive(Clone, Debug)]
struct Window {
    joules: Vec<f64>,
    ns: u64,
    /// Zero when idle.
    inferences: u64,
}

/// Measures the energy of `infer`, which runs one inference.
///
/// # Errors
/// When `infer` fails.
pub fn measure_energy(
    meters: &mut Meters,
    setup: &EnergySetup<'_>,
    infer: &mut dyn FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<EnergyResult> {
    meters.restart();
    let shared = Mutex::new(meters);
    let mut idle = vec![idle_window(&shared, setup)];
    let mut load = Vec::new();
    for _ in 0..setup.plan.windows {
        load.push(load_window(&shared, setup, infer)?);
        idle.push(idle_window(&shared, setup));
        if setup.interrupted.load(Ordering::Relaxed) {
            return Ok(EnergyResult {
                rows: Vec::new(),
                left_out: vec!["interrupted before energy was measured".to_owned()],
            });
        }
    }
    let meters = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(rows::rows(meters, &setup.plan, &idle, &load))
}

fn poll(meters: &Mutex<&mut Meters>, clock: &dyn Clock) -> Vec<f64> {
    let mut meters = meters.lock().unwrap_or_else(PoisonError::into_inner);
    meters.poll(&|| clock.now());
    meters.joules()
}

fn window(
    meters: &Mutex<&mut Meters>,
    clock: &dyn Clock,
    body: impl FnOnce(u64) -> anyhow::Result<u64>,
) -> anyhow::Result<Window> {
    let before = poll(meters, clock);
    let start = clock.now();
    let inferences = body(start)?;
    let ns = clock.now() - start;
    let after = poll(meters, clock);
    Ok(Window {
        joules: after.iter().zip(&before).map(|(a, b)| a - b).collect(),
        ns,
        inferences,
    })
}

fn idle_window(meters: &Mutex<&mut Meters>, setup: &EnergySetup<'_>) -> Window {
    let clock: &dyn Clock = setup.clock;
    let idled = window(meters, clock, |start| {
        while remaining(meters, setup, start, setup.plan.idle) {
            (setup.pause)(setup.plan.poll);
            poll(meters, clock);
        }
        Ok(0)
    });
    // The body cannot fail.
    idled.unwrap_or(Window {
        joules: Vec::new(),
        ns: 0,
        inferences: 0,
    })
}

fn load_window(
    meters: &Mutex<&mut Meters>,
    setup: &EnergySetup<'_>,
    infer: &mut dyn FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Window> {
    let clock: &dyn Clock = setup.clock;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (period, shared_clock, ended) = (setup.plan.poll, setup.clock, &done);
        if setup.plan.background {
            scope.spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    std::thread::sleep(period);
                    poll(meters, shared_clock);
                }
            });
        }
        let loaded = window(meters, clock, |start| {
            let mut inferences = 0;
            while remaining(meters, setup, start, setup.plan.window) {
                for _ in 0..setup.plan.calls {
                    infer()?;
                }
                inferences += setup.plan.calls;
                if !setup.plan.background {
                    poll(meters, clock);
                }
            }
            Ok(inferences)
        });
        done.store(true, Ordering::Relaxed);
        loaded
    })
}

/// Whether a window that began at `start` must go on: it is shorter than `shortest` or than twenty
/// update periods of a sensor, as far as the longest window allows for that one.
fn remaining(
    meters: &Mutex<&mut Meters>,
    setup: &EnergySetup<'_>,
    start: u64,
    shortest: Duration,
) -> bool {
    if setup.interrupted.load(Ordering::Relaxed) {
        return false;
    }
    let elapsed = (setup.clock.now() - start) as f64;
    if elapsed < shortest.as_nanos() as f64 {
        return true;
    }
    let longest = setup.plan.longest.as_nanos() as f64;
    let meters = meters.lock().unwrap_or_else(PoisonError::into_inner);
    let periods = meters
        .tracks
        .iter()
        .filter_map(|(_, track)| track.period_ns());
    let needed = periods.map(|period| PERIODS * period);
    let needed = needed
        .filter(|needed| *needed <= longest)
        .fold(0.0, f64::max);
    elapsed < needed
}
