//! Waiting for a calm machine, on a machine whose load is known.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nongemm_core::measure::{
    Clock, Probes, SampleNoise, Waited, growth, is_disturbed, others_ns, wait_quiet,
};
use nongemm_core::plugin::{Quantity, Reading, Sampler};

/// Others keep one processor busy until `calm_at`.
#[derive(Clone)]
struct Machine {
    now: Arc<AtomicU64>,
    calm_at: u64,
}

impl Machine {
    fn new(calm_at: Duration) -> Self {
        Machine {
            now: Arc::default(),
            calm_at: calm_at.as_nanos() as u64,
        }
    }

    fn wait(&self, limit: Duration) -> Waited {
        let mut probes = Probes::new(vec![Box::new(self.clone())]);
        let pause = |time: Duration| {
            let ns = time.as_nanos() as u64;
            self.now.fetch_add(ns, Ordering::SeqCst);
        };
        wait_quiet(&mut probes, self, &pause, limit, &AtomicBool::new(false))
    }
}

impl Clock for Machine {
    fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }
}

impl Sampler for Machine {
    fn read(&mut self, out: &mut Vec<Reading>) {
        let own = 1e6;
        let others = self.now().min(self.calm_at) as f64;
        for (quantity, value) in [(Quantity::BusyNs, own + others), (Quantity::CpuTimeNs, own)] {
            out.push(Reading { quantity, value });
        }
    }
}

#[test]
fn it_waits_until_others_stop() {
    let waited = Machine::new(Duration::from_secs(3)).wait(Duration::from_secs(60));
    assert!(waited.calm);
    assert_eq!(
        waited.ns, 3_500_000_000,
        "the first half second without others"
    );
    let calm = Machine::new(Duration::ZERO).wait(Duration::from_secs(60));
    assert_eq!((calm.ns, calm.calm), (500_000_000, true));
}

#[test]
fn it_gives_up_at_the_limit_and_says_so() {
    let waited = Machine::new(Duration::from_secs(3600)).wait(Duration::from_secs(10));
    assert_eq!((waited.ns, waited.calm), (10_000_000_000, false));
}

fn grown(busy: f64, own: f64, steal: f64) -> BTreeMap<Quantity, f64> {
    let zero = [Quantity::BusyNs, Quantity::CpuTimeNs, Quantity::StealNs].map(|q| (q, 0.0));
    let after = BTreeMap::from([
        (Quantity::BusyNs, busy),
        (Quantity::CpuTimeNs, own),
        (Quantity::StealNs, steal),
    ]);
    growth(&BTreeMap::from(zero), &after)
}

#[test]
fn a_sample_carries_what_disturbed_it() {
    let wall = 200_000_000;
    let disturbed = grown(5e8, 4e8, 2e7);
    assert_eq!(others_ns(&disturbed), Some(1e8));
    assert!(is_disturbed(&disturbed, wall));
    let expected = SampleNoise {
        sample: 3,
        steal_ns: 2e7,
        others_ns: 1e8,
        ..SampleNoise::default()
    };
    assert_eq!(SampleNoise::of(3, &disturbed, wall), Some(expected));
    // One tick that falls into the sample is the counter's resolution, not another process.
    let quiet = grown(4.1e8, 4e8, 0.0);
    assert!(!is_disturbed(&quiet, wall));
    assert_eq!(SampleNoise::of(3, &quiet, wall), None);
}
