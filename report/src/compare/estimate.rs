//! What one record says of a quantity, and how precisely.

use nongemm_core::record::{Latency, OpRow, Profile};
use nongemm_core::stats::{self, Summary};

/// A value of one record with the standard error that the variation within its run gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    /// Nanoseconds.
    pub(super) value: f64,
    /// Its standard error; `None` if there are too few samples to tell.
    pub(super) se: Option<f64>,
    /// Degrees of freedom of the standard error.
    pub(super) freedom: f64,
}

/// Half the width of a 95% interval in standard errors of a normal distribution.
const NORMAL_95: f64 = 1.959_964;

/// The median latency. Its standard error is the larger one of two: that of the order statistics' interval, which
/// takes samples as independent, and that of leaving out blocks of neighbours, which does not.
pub(super) fn latency(latency: &Latency) -> Estimate {
    let samples: Vec<f64> = latency.samples_ns.iter().map(|&ns| ns as f64).collect();
    let median = |values: &[f64]| stats::median(values).unwrap_or(0.0);
    let blocks = stats::standard_error(&samples, median);
    let [low, high] = latency.ci95_ns;
    let ranks = (high - low) / (2.0 * NORMAL_95);
    Estimate {
        value: latency.median_ns,
        se: blocks.map(|(se, _)| se.max(ranks)),
        freedom: blocks.map_or(0.0, |(_, freedom)| freedom as f64),
    }
}

/// The time of an operator in the median run, on the timeline that shares refer to.
pub(super) fn operator(profile: &Profile, op: &OpRow) -> Estimate {
    match (&profile.device, &op.device_ns) {
        (Some(_), Some(times)) => summary(times),
        _ => summary(&op.host_ns),
    }
}

/// Records of older versions keep no standard error: there it is that of a median of independent normal values
/// with this deviation.
fn summary(times: &Summary) -> Estimate {
    let from_deviation = || {
        let sigma = 1.4826 * times.mad;
        let root = (times.n as f64).sqrt();
        (times.n >= 6).then(|| (std::f64::consts::PI / 2.0).sqrt() * sigma / root)
    };
    Estimate {
        value: times.median,
        se: times.se.or_else(from_deviation),
        freedom: stats::degrees_of_freedom(times.n) as f64,
    }
}

/// The sum of estimates that are independent of each other.
pub(super) fn sum(parts: &[Estimate]) -> Estimate {
    let mut squares = Some(0.0);
    for part in parts {
        squares = squares.zip(part.se).map(|(sum, se)| sum + se * se);
    }
    Estimate {
        value: parts.iter().map(|part| part.value).sum(),
        se: squares.map(f64::sqrt),
        freedom: parts.iter().map(|part| part.freedom).fold(0.0, f64::max),
    }
}
