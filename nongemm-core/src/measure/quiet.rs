//! Waiting until the machine is calm.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::clock::Clock;
use super::noise::{Probes, growth, others_ns};
use crate::plugin::Quantity;

/// Processors that others may use, and the hypervisor may take, on a calm machine.
const CALM_BELOW: f64 = 0.05;

/// How long the machine is watched at a time.
const WATCH: Duration = Duration::from_millis(500);

/// How long was waited, and what for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Waited {
    /// Nanoseconds.
    pub ns: u64,
    /// Whether the machine was calm at last.
    pub calm: bool,
}

/// Watches the machine, while this process does nothing, until others use less than a twentieth of a
/// processor, for at most `limit`. A machine that does not tell counts as calm.
pub fn wait_quiet(
    probes: &mut Probes,
    clock: &dyn Clock,
    pause: &dyn Fn(Duration),
    limit: Duration,
    interrupted: &AtomicBool,
) -> Waited {
    let start = clock.now();
    loop {
        let (before, since) = (probes.read(), clock.now());
        pause(WATCH);
        let wall = (clock.now() - since).max(1);
        let grown = growth(&before, &probes.read());
        let ns = clock.now() - start;
        if is_calm(&grown, wall) {
            return Waited { ns, calm: true };
        }
        if u128::from(ns) >= limit.as_nanos() || interrupted.load(Ordering::Relaxed) {
            return Waited { ns, calm: false };
        }
    }
}

fn is_calm(grown: &BTreeMap<Quantity, f64>, wall_ns: u64) -> bool {
    let steal = grown.get(&Quantity::StealNs).copied().unwrap_or(0.0);
    let taken = steal + others_ns(grown).unwrap_or(0.0);
    taken < CALM_BELOW * wall_ns as f64
}
