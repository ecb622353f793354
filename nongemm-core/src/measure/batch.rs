//! Repeated calls of one thing: several in one sample where it is too short for the clock, one by one
//! where something has to happen before each.

use serde::{Deserialize, Serialize};

use super::clock::{Clock, clock_cost};
use super::noise::{growth, is_disturbed};
use super::plan::{SamplePlan, Stop};
use crate::stats;

/// Times per call from repeated samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The median of the samples, nanoseconds per call.
    pub median_ns: f64,
    /// Their median absolute deviation.
    pub mad_ns: f64,
    /// The 95% confidence interval of the median (the range for fewer than six samples).
    pub ci95_ns: [f64; 2],
    /// The fastest sample.
    pub min_ns: f64,
    /// Number of samples.
    pub n: usize,
    /// Calls in each sample.
    pub calls: u64,
    /// What ended the sampling.
    pub stop: Stop,
    /// Positions of samples during which something outside took processor time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbed: Vec<usize>,
    /// Every sample, in order.
    pub samples_ns: Vec<f64>,
}

impl Series {
    /// The summary of samples of `calls` calls each; all zeros for none.
    pub fn new(samples_ns: Vec<f64>, calls: u64, stop: Stop, disturbed: Vec<usize>) -> Self {
        Series {
            median_ns: stats::median(&samples_ns).unwrap_or(0.0),
            mad_ns: stats::mad(&samples_ns).unwrap_or(0.0),
            ci95_ns: stats::median_ci95(&samples_ns).unwrap_or_default(),
            min_ns: samples_ns.iter().copied().reduce(f64::min).unwrap_or(0.0),
            n: samples_ns.len(),
            calls,
            stop,
            disturbed,
            samples_ns,
        }
    }
}

/// A sample is at least this many times longer than one reading of the clock, so that reading it
/// costs less than 0.1% of the sample.
const CLOCK_SHARE: u64 = 1_000;

/// What is called; an error ends the measurement.
pub type Call<'a> = &'a mut dyn FnMut() -> anyhow::Result<()>;

/// Attempts at a number of calls: first calls are slow, and so is any that something disturbs.
const ATTEMPTS: usize = 3;

/// How many calls make one sample long enough for the clock, even the fastest of a few.
fn calls_per_sample(clock: &dyn Clock, call: Call<'_>) -> anyhow::Result<u64> {
    let cost = clock_cost(clock);
    let enough = CLOCK_SHARE * (cost.read_ns + cost.resolution_ns).max(1);
    let mut calls = 1u64;
    while calls < 1 << 24 {
        let mut fastest = u64::MAX;
        for _ in 0..ATTEMPTS {
            let start = clock.now();
            for _ in 0..calls {
                call()?;
            }
            fastest = fastest.min(clock.now() - start);
            if fastest < enough {
                break;
            }
        }
        if fastest >= enough {
            break;
        }
        calls *= 2;
    }
    Ok(calls)
}

/// Times `call` in batches until the plan's limits are met. The time of the clock is part of a sample
/// and at most 0.1% of it.
///
/// # Errors
/// When `call` fails.
pub fn time_batched(plan: &mut SamplePlan<'_>, call: Call<'_>) -> anyhow::Result<Series> {
    let calls = calls_per_sample(plan.clock, call)?;
    let clock = plan.clock;
    sample(plan, calls, &mut || {
        let start = clock.now();
        for _ in 0..calls {
            call()?;
        }
        Ok((clock.now() - start) as f64 / calls as f64)
    })
}

/// Takes samples until the plan's limits are met.
///
/// # Errors
/// When `one` fails.
pub fn sample(
    plan: &mut SamplePlan<'_>,
    calls: u64,
    one: &mut dyn FnMut() -> anyhow::Result<f64>,
) -> anyhow::Result<Series> {
    let started = plan.clock.now();
    let (mut samples, mut disturbed) = (Vec::new(), Vec::new());
    let mut last = plan.probes.read();
    loop {
        let ns = one()?;
        let now = plan.probes.read();
        if is_disturbed(&growth(&last, &now), (ns * calls as f64) as u64) {
            disturbed.push(samples.len());
        }
        last = now;
        samples.push(ns);
        let half_width = stats::relative_half_width(&samples);
        (plan.progress)(samples.len(), half_width);
        if let Some(stop) = plan.verdict(samples.len(), half_width, started) {
            return Ok(Series::new(samples, calls, stop, disturbed));
        }
    }
}
