//! Timing of something too short for the clock: several calls in one sample.

use super::clock::{Clock, clock_cost};
use super::plan::{SamplePlan, Stop};
use crate::stats;

/// Times per call, from samples of many calls each.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchedTimes {
    /// Calls in each sample.
    pub calls: u64,
    /// Nanoseconds per call, one value per sample.
    pub ns_per_call: Vec<f64>,
    /// What ended the sampling.
    pub stop: Stop,
}

/// A sample is at least this many times longer than one reading of the clock, so that reading it
/// costs less than 0.1% of the sample.
const CLOCK_SHARE: u64 = 1_000;

/// How many calls make one sample long enough for the clock.
fn calls_per_sample(clock: &dyn Clock, call: &mut dyn FnMut()) -> u64 {
    let cost = clock_cost(clock);
    let enough = CLOCK_SHARE * (cost.read_ns + cost.resolution_ns).max(1);
    let mut calls = 1u64;
    loop {
        let start = clock.now();
        for _ in 0..calls {
            call();
        }
        let elapsed = clock.now() - start;
        if elapsed >= enough || calls >= 1 << 24 {
            return calls;
        }
        calls *= 2;
    }
}

/// Times `call` in batches until the plan's limits are met. The time of the clock is part of a sample
/// and at most 0.1% of it.
pub fn time_batched(plan: &mut SamplePlan<'_>, call: &mut dyn FnMut()) -> BatchedTimes {
    let calls = calls_per_sample(plan.clock, call);
    let started = plan.clock.now();
    let mut times = Vec::new();
    let stop = loop {
        let start = plan.clock.now();
        for _ in 0..calls {
            call();
        }
        let elapsed = plan.clock.now() - start;
        times.push(elapsed as f64 / calls as f64);
        let half_width = stats::relative_half_width(&times);
        (plan.progress)(times.len(), half_width);
        if plan.is_interrupted() {
            break Stop::Interrupted;
        }
        if times.len() < plan.limits.min_samples {
            continue;
        }
        if half_width.is_some_and(|width| width <= plan.limits.target_ci) {
            break Stop::TargetCi;
        }
        if times.len() >= plan.limits.max_samples {
            break Stop::MaxSamples;
        }
        if u128::from(plan.clock.now() - started) >= plan.limits.max_time.as_nanos() {
            break Stop::MaxTime;
        }
    };
    BatchedTimes {
        calls,
        ns_per_call: times,
        stop,
    }
}
