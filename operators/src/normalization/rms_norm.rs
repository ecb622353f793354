//! `rms_norm`: Llama's normalization, which its reference implementation writes out in eight calls.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Eager, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::arithmetic::{add_scalar, mean, mul, pow, rsqrt};
use crate::check::{invalid, one, same_float, vector};
use crate::memory::to;

/// `rms_norm(x, weight) = weight x / √(mean(x²) + eps)`, the mean taken over the last dimension in `f32`
/// (Zhang and Sennrich 2019, <https://arxiv.org/abs/1910.07467>), as Hugging Face's `LlamaRMSNorm`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RmsNorm {
    /// Added to the mean square.
    pub eps: f64,
}

impl Op for RmsNorm {
    fn name(&self) -> &'static str {
        "rms_norm"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Normalization
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear().reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x, weight] = ShapeError::arity(inputs)?;
        same_float(inputs)?;
        let last = x.shape.dims().last();
        let last = last.ok_or_else(|| invalid(format!("input must have dimensions, got {x}")))?;
        vector(weight, "weight", last)?;
        one(x.dtype, x.shape.clone())
    }

    /// Four operations per element: square, sum, scaling, weight.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(4, inputs, outputs)
    }

    fn eager(&self) -> Eager {
        Eager::Module
    }

    fn decompose(
        &self,
        g: &mut GraphBuilder,
        inputs: &[Value],
    ) -> Option<Result<Vec<Value>, BuildError>> {
        let &[x, weight] = inputs else { return None };
        Some(self.parts(g, x, weight).map(|value| vec![value]))
    }
}

impl RmsNorm {
    /// The calls of the reference, in its order.
    fn parts(&self, g: &mut GraphBuilder, x: Value, weight: Value) -> Result<Value, BuildError> {
        let dtype = g.spec(x).dtype;
        let wide = to(g, x, DType::F32)?;
        let square = pow(g, wide, 2.0)?;
        let variance = mean(g, square, &[-1], true)?;
        let variance = add_scalar(g, variance, self.eps)?;
        let scale = rsqrt(g, variance)?;
        let scaled = mul(g, wide, scale)?;
        let scaled = to(g, scaled, dtype)?;
        mul(g, weight, scaled)
    }
}

impl OpDef for RmsNorm {
    const NAMES: &'static [&'static str] = &["rms_norm"];

    fn cases() -> Vec<OpCase> {
        vec![
            OpCase::new("last", RmsNorm { eps: 1e-5 }, [&[2, 3, 8], &[8]]),
            OpCase::new("large-eps", RmsNorm { eps: 0.5 }, [&[4, 5], &[5]]),
        ]
    }
}

register_op!(RmsNorm);

/// Adds an [`RmsNorm`].
///
/// # Errors
/// When the weight has not one element for each of the last dimension.
pub fn rms_norm(
    g: &mut GraphBuilder,
    x: Value,
    weight: Value,
    eps: f64,
) -> Result<Value, BuildError> {
    g.one(RmsNorm { eps }, &[x, weight])
}
