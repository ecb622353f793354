//! How long and how precisely to measure.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::noise::Probes;
use crate::plugin::Session;
use crate::tensor::HostTensor;

/// When to stop sampling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Half the width of the 95% confidence interval of the median, relative to the median, at which
    /// the measurement is precise enough.
    pub target_ci: f64,
    /// Time for the samples of one run, both passes together.
    pub max_time: Duration,
    /// At least this many samples of each pass, whatever the time.
    pub min_samples: usize,
    /// At most this many samples of each pass.
    pub max_samples: usize,
    /// Time for warm-up.
    pub max_warmup: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            target_ci: 0.02,
            max_time: Duration::from_secs(10),
            min_samples: 7,
            max_samples: 1_000,
            max_warmup: Duration::from_secs(5),
        }
    }
}

/// What ended a series of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The interval is as narrow as asked for.
    TargetCi,
    /// The time was used up.
    MaxTime,
    /// The number of samples was reached.
    MaxSamples,
    /// The user interrupted.
    Interrupted,
}

/// What a profiler may use: limits, clock, probes, and the user's wish to stop.
pub struct SamplePlan<'a> {
    /// When to stop.
    pub limits: Limits,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Started probes, read between samples.
    pub probes: Probes,
    /// Set when the user interrupts: finish the sample and stop.
    pub interrupted: &'a AtomicBool,
    /// The inputs to measure in turn; with none or one of them what is bound stays.
    pub inputs: &'a [Vec<HostTensor>],
    /// Called after each sample with the number taken and the relative half-width, if known.
    pub progress: &'a mut dyn FnMut(usize, Option<f64>),
}

impl SamplePlan<'_> {
    /// Binds the input of pair `pair` of samples; never while the clock runs.
    ///
    /// # Errors
    /// When the session refuses it.
    pub fn bind(&self, session: &mut dyn Session, pair: usize) -> anyhow::Result<()> {
        match self.inputs {
            [] | [_] => Ok(()),
            inputs => session
                .bind(&inputs[pair % inputs.len()])
                .with_context(|| format!("binding input {}", pair % inputs.len())),
        }
    }

    /// Whether the user interrupted.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Whether to stop after so many samples, and why, for samples that began at `started`.
    pub(super) fn verdict(
        &self,
        samples: usize,
        half_width: Option<f64>,
        started: u64,
    ) -> Option<Stop> {
        let limits = &self.limits;
        if self.is_interrupted() {
            return Some(Stop::Interrupted);
        }
        // Every input is measured.
        if samples < limits.min_samples.max(self.inputs.len()) {
            return None;
        }
        if half_width.is_some_and(|width| width <= limits.target_ci) {
            return Some(Stop::TargetCi);
        }
        if samples >= limits.max_samples {
            return Some(Stop::MaxSamples);
        }
        let elapsed = u128::from(self.clock.now() - started);
        (elapsed >= limits.max_time.as_nanos()).then_some(Stop::MaxTime)
    }
}
