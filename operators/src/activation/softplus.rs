//! `softplus`: a smooth ReLU.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, float, one};

/// `softplus(x) = log(1 + exp(beta x)) / beta`, and `x` itself where `beta x > threshold`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softplus {
    /// How sharp the bend at zero is.
    #[serde(with = "crate::scalar")]
    pub beta: f64,
    /// Above this value of `beta x`, the function is the identity.
    #[serde(with = "crate::scalar")]
    pub threshold: f64,
}

impl Op for Softplus {
    fn name(&self) -> &'static str {
        "softplus"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Activation
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        float(x)?;
        ensure(self.beta.is_finite() && self.beta != 0.0, || {
            format!("beta must be finite and not 0, got {}", self.beta)
        })?;
        ensure(!self.threshold.is_nan(), || {
            "threshold must be a number, got NaN".to_owned()
        })?;
        one(x.dtype, x.shape.clone())
    }

    /// Five operations per element: product, comparison, exponential, `log(1 + x)`, division.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(5, inputs, outputs)
    }
}

impl OpDef for Softplus {
    const NAMES: &'static [&'static str] = &["softplus"];

    fn cases() -> Vec<OpCase> {
        let case = |name, beta, threshold, bound: f64| {
            OpCase::new(name, Softplus { beta, threshold }, [&[3, 7]])
                .values(0, Values::Range(-bound, bound))
        };
        vec![
            case("default", 1.0, 20.0, 5.0),
            case("linear-above-threshold", 2.0, 1.0, 2.0),
            case("no-threshold", 1.0, f64::INFINITY, 80.0),
            case("negative-beta", -0.5, 20.0, 5.0),
            case("steep", 30.0, 20.0, 5.0),
        ]
    }
}

register_op!(Softplus);

/// Adds a [`Softplus`].
///
/// # Errors
/// When the input is not floating-point or `beta` is 0.
pub fn softplus(
    g: &mut GraphBuilder,
    x: Value,
    beta: f64,
    threshold: f64,
) -> Result<Value, BuildError> {
    g.one(Softplus { beta, threshold }, &[x])
}
