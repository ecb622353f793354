//! Two things timed in turn.

use std::time::{Duration, Instant};

use anyhow::Result;
use nongemm_core::stats;

/// Samples of both sides, taken in turn.
pub(crate) struct Pairs {
    /// Seconds of the first side.
    pub(crate) a: Vec<f64>,
    /// Seconds of the second side.
    pub(crate) b: Vec<f64>,
}

impl Pairs {
    /// Ratio of the first to the second side, pair by pair: median and 95% interval.
    pub(crate) fn ratio(&self) -> (f64, [f64; 2]) {
        let ratios: Vec<f64> = self.a.iter().zip(&self.b).map(|(a, b)| a / b).collect();
        centre(&ratios)
    }

    /// Difference of the first and the second side, pair by pair: median and 95% interval.
    pub(crate) fn difference(&self) -> (f64, [f64; 2]) {
        let differences: Vec<f64> = self.a.iter().zip(&self.b).map(|(a, b)| a - b).collect();
        centre(&differences)
    }
}

fn centre(values: &[f64]) -> (f64, [f64; 2]) {
    let median = stats::median(values).unwrap_or(f64::NAN);
    (median, stats::median_ci95(values).unwrap_or([f64::NAN; 2]))
}

/// The median of seconds in milliseconds.
pub(crate) fn median_ms(seconds: &[f64]) -> f64 {
    1e3 * stats::median(seconds).unwrap_or(f64::NAN)
}

/// Times `a` and `b` in turn, at least `least` pairs and until `time` is up. Which side goes first
/// alternates, so that neither always finds the caches as the other left them. Both run twice before
/// the first sample.
pub(crate) fn interleave(
    least: usize,
    time: Duration,
    a: &mut dyn FnMut() -> Result<()>,
    b: &mut dyn FnMut() -> Result<()>,
) -> Result<Pairs> {
    for _ in 0..2 {
        a()?;
        b()?;
    }
    let mut pairs = Pairs {
        a: Vec::new(),
        b: Vec::new(),
    };
    let timed = |call: &mut dyn FnMut() -> Result<()>| -> Result<f64> {
        let since = Instant::now();
        call()?;
        Ok(since.elapsed().as_secs_f64())
    };
    let started = Instant::now();
    while pairs.a.len() < least || started.elapsed() < time {
        if pairs.a.len().is_multiple_of(2) {
            pairs.a.push(timed(a)?);
            pairs.b.push(timed(b)?);
        } else {
            pairs.b.push(timed(b)?);
            pairs.a.push(timed(a)?);
        }
    }
    Ok(pairs)
}
