//! How far an output is from the expected one.

use crate::tensor::HostTensor;

/// The largest error, relative to the larger of 1 and the expected value; infinite where only one of both
/// is a number.
pub(super) fn deviation(expected: &HostTensor, found: &HostTensor) -> f64 {
    let (expected, found) = (expected.data().to_f64(), found.data().to_f64());
    let errors = expected.into_iter().zip(found).map(|(expected, found)| {
        if expected == found || expected.is_nan() && found.is_nan() {
            return 0.0;
        }
        let error = (expected - found).abs() / expected.abs().max(1.0);
        if error.is_nan() { f64::INFINITY } else { error }
    });
    errors.fold(0.0, f64::max)
}

/// The error, if it is within the tolerance.
pub(super) fn near(error: f64, tolerance: f64) -> anyhow::Result<f64> {
    anyhow::ensure!(error <= tolerance, "off by {error:.1e}");
    Ok(error)
}
