//! The clock, and how finely it ticks.

use std::time::Instant;

use serde::{Deserialize, Serialize};

/// A monotonic clock in nanoseconds. A trait, so that tests can use times that they know.
pub trait Clock {
    /// Nanoseconds since an arbitrary origin; never goes back.
    fn now(&self) -> u64;
}

/// The operating system's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Monotonic(Instant);

impl Monotonic {
    /// A clock that starts at zero.
    pub fn new() -> Self {
        Monotonic(Instant::now())
    }
}

impl Default for Monotonic {
    fn default() -> Self {
        Monotonic::new()
    }
}

impl Clock for Monotonic {
    #[inline]
    fn now(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// What reading a clock costs, and the smallest step it was seen to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockCost {
    /// Nanoseconds for one reading: the median over many.
    pub read_ns: u64,
    /// The smallest non-zero difference between two successive readings.
    pub resolution_ns: u64,
}

/// Measures the clock itself, so that samples can be made long enough for it.
pub fn clock_cost(clock: &dyn Clock) -> ClockCost {
    const READINGS: usize = 2_000;
    let mut steps: Vec<u64> = Vec::with_capacity(READINGS);
    let mut last = clock.now();
    for _ in 0..READINGS {
        let now = clock.now();
        steps.push(now - last);
        last = now;
    }
    steps.sort_unstable();
    ClockCost {
        read_ns: steps[READINGS / 2],
        resolution_ns: steps.iter().copied().find(|&s| s > 0).unwrap_or(1),
    }
}
