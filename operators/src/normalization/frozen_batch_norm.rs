//! `frozen_batch_norm`: batch normalization with constants, as detectors have it.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Eager, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate as ops;
use crate::check::{ensure, one, same_float, vector};
use crate::made::usual_but;

/// `x[n, c, ..] w / sqrt(var + eps) + (b - mean w / sqrt(var + eps))` with one constant for each
/// channel; inputs `x, weight, bias, running_mean, running_var`. torchvision's `FrozenBatchNorm2d`,
/// which runs eleven calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrozenBatchNorm {
    /// Added to the variance.
    pub eps: f64,
}

impl Op for FrozenBatchNorm {
    fn name(&self) -> &'static str {
        "frozen_batch_norm"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Normalization
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
    }

    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        usual_but(inputs, 4, Values::Range(0.5, 1.5))
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x, constants @ ..]: &[TensorSpec; 5] = ShapeError::arity(inputs)?;
        same_float(inputs)?;
        ensure(x.shape.rank() == 4, || {
            format!("input must have 4 dimensions, got {x}")
        })?;
        for constant in constants {
            vector(constant, "each constant", &x.shape.dims()[1])?;
        }
        one(x.dtype, x.shape.clone())
    }

    /// A product and a sum per element, five operations per channel.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let mut cost = Cost::elementwise(2, inputs, outputs);
        cost.flops += 5 * inputs.get(1).map_or(0, TensorSpec::elements);
        cost
    }

    fn eager(&self) -> Eager {
        Eager::Module
    }

    fn decompose(
        &self,
        g: &mut GraphBuilder,
        inputs: &[Value],
    ) -> Option<Result<Vec<Value>, BuildError>> {
        let &[x, weight, bias, mean, var] = inputs else {
            return None;
        };
        Some(parts(g, x, [weight, bias, mean, var], self.eps).map(|value| vec![value]))
    }
}

/// The calls of the reference, in its order.
fn parts(
    g: &mut GraphBuilder,
    x: Value,
    constants: [Value; 4],
    eps: f64,
) -> Result<Value, BuildError> {
    let [weight, bias, mean, var] = constants;
    let channels = |g: &mut GraphBuilder, v| ops::reshape(g, v, &[1, -1, 1, 1]);
    let weight = channels(g, weight)?;
    let bias = channels(g, bias)?;
    let var = channels(g, var)?;
    let mean = channels(g, mean)?;
    let var = ops::add_scalar(g, var, eps)?;
    let deviation = ops::rsqrt(g, var)?;
    let scale = ops::mul(g, weight, deviation)?;
    let centre = ops::mul(g, mean, scale)?;
    let shift = ops::sub(g, bias, centre)?;
    let x = ops::mul(g, x, scale)?;
    ops::add(g, x, shift)
}

impl OpDef for FrozenBatchNorm {
    const NAMES: &'static [&'static str] = &["frozen_batch_norm"];

    fn cases() -> Vec<OpCase> {
        let shapes = [&[2, 3, 4, 5][..], &[3], &[3], &[3], &[3]];
        vec![
            OpCase::new("plain", FrozenBatchNorm { eps: 1e-5 }, shapes)
                .values(4, Values::Range(0.1, 2.0)),
        ]
    }
}

register_op!(FrozenBatchNorm);

/// Adds a [`FrozenBatchNorm`]; the constants are weight, bias, mean and variance.
///
/// # Errors
/// When shapes or types do not fit.
pub fn frozen_batch_norm(
    g: &mut GraphBuilder,
    x: Value,
    [weight, bias, mean, var]: [Value; 4],
    eps: f64,
) -> Result<Value, BuildError> {
    g.one(FrozenBatchNorm { eps }, &[x, weight, bias, mean, var])
}
