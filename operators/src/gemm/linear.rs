//! `linear`: a fully connected layer.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{arity, invalid, multiply_adds, one, same_dim, same_float, vector};

/// `linear(x, weight, bias?) = x weightᵀ + bias` with `x[..., in]`, `weight[out, in]`, `bias[out]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {}

impl Op for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Gemm
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let (x, weight, bias) = match inputs {
            [x, weight] => (x, weight, None),
            [x, weight, bias] => (x, weight, Some(bias)),
            _ => return Err(arity("2 or 3", inputs)),
        };
        same_float(inputs)?;
        let [out, features] = weight.shape.dims() else {
            return Err(invalid(format!("weight must be a matrix, got {weight}")));
        };
        let Some((last, batch)) = x.shape.dims().split_last() else {
            return Err(invalid(format!("input must have dimensions, got {x}")));
        };
        same_dim("features of input and weight", last, features)?;
        if let Some(bias) = bias {
            vector(bias, "bias", out)?;
        }
        one(x.dtype, Shape::new(batch.iter().chain([out]).cloned()))
    }

    /// `2 m n k` for an `m` by `k` input and `n` outputs; the bias starts the sums.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let depth = inputs.first().and_then(|x| x.size(-1).ok()).unwrap_or(0);
        multiply_adds(depth as u64, inputs, outputs)
    }
}

impl OpDef for Linear {
    const NAMES: &'static [&'static str] = &["linear"];

    fn cases() -> Vec<OpCase> {
        vec![
            OpCase::new("bias", Linear {}, [&[2, 3, 5], &[4, 5], &[4]]),
            OpCase::new("no-bias", Linear {}, [&[3, 5], &[4, 5]]),
            OpCase::new("vector", Linear {}, [&[5], &[4, 5], &[4]]),
        ]
    }
}

register_op!(Linear);

/// Adds a [`Linear`].
///
/// # Errors
/// When the shapes do not fit.
pub fn linear(
    g: &mut GraphBuilder,
    x: Value,
    weight: Value,
    bias: Option<Value>,
) -> Result<Value, BuildError> {
    let inputs: Vec<Value> = [x, weight].into_iter().chain(bias).collect();
    g.one(Linear {}, &inputs)
}
