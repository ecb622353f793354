//! `batch_norm` with running statistics, as in inference.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{invalid, one, same_float, vector};
use crate::made::usual_but;

/// `batch_norm(x, weight, bias, mean, var) = (x - mean) / √(var + eps) weight + bias` for each
/// channel (dimension 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    /// Added to the variance.
    pub eps: f64,
}

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Normalization
    }

    /// With given statistics it is linear and reduces nothing.
    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand()
    }

    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        usual_but(inputs, 4, Values::Range(0.5, 1.5))
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x, parameters @ ..]: &[TensorSpec; 5] = ShapeError::arity(inputs)?;
        same_float(inputs)?;
        let channels = x
            .shape
            .dims()
            .get(1)
            .ok_or_else(|| invalid(format!("input must have channels, got {x}")))?;
        for (parameter, what) in parameters
            .iter()
            .zip(["weight", "bias", "mean", "variance"])
        {
            vector(parameter, what, channels)?;
        }
        one(x.dtype, x.shape.clone())
    }

    /// Four operations per element: subtraction, scaling, weight, bias.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(4, inputs, outputs)
    }
}

impl OpDef for BatchNorm {
    const NAMES: &'static [&'static str] = &["batch_norm"];

    fn cases() -> Vec<OpCase> {
        let case = |name, shape: &[usize]| {
            OpCase::new(
                name,
                BatchNorm { eps: 1e-5 },
                [shape, &[3], &[3], &[3], &[3]],
            )
            .values(4, Values::Range(0.5, 1.5))
        };
        vec![case("images", &[2, 3, 4, 5]), case("vectors", &[4, 3])]
    }
}

register_op!(BatchNorm);

/// Adds a [`BatchNorm`]; `parameters` are weight, bias, running mean and running variance.
///
/// # Errors
/// When the parameters do not have one element for each channel.
pub fn batch_norm(
    g: &mut GraphBuilder,
    x: Value,
    parameters: [Value; 4],
    eps: f64,
) -> Result<Value, BuildError> {
    let [weight, bias, mean, var] = parameters;
    g.one(BatchNorm { eps }, &[x, weight, bias, mean, var])
}
