//! `layer_norm`: normalization over the last dimensions.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{arity, ensure, one, same_float};

/// `layer_norm(x, weight?, bias?) = (x - mean) / √(variance + eps) weight + bias`, mean and variance
/// taken over the last dimensions, which have the sizes `normalized_shape`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerNorm {
    /// Sizes of the dimensions that are normalized; also the shape of weight and bias.
    pub normalized_shape: Vec<usize>,
    /// Added to the variance.
    pub eps: f64,
}

impl Op for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Normalization
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear().reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x, parameters @ ..] = inputs else {
            return Err(arity("1 to 3", inputs));
        };
        if parameters.len() > 2 {
            return Err(arity("1 to 3", inputs));
        }
        same_float(inputs)?;
        let normalized = Shape::from(self.normalized_shape.as_slice());
        ensure(
            normalized.rank() > 0 && x.shape.dims().ends_with(normalized.dims()),
            || format!("input {x} does not end with {normalized}"),
        )?;
        for parameter in parameters {
            ensure(parameter.shape == normalized, || {
                format!("weight and bias must have shape {normalized}, got {parameter}")
            })?;
        }
        one(x.dtype, x.shape.clone())
    }

    /// Seven operations per element: mean 1, subtraction 1, variance 2, scaling 1, weight and bias
    /// 2.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(7, inputs, outputs)
    }
}

impl OpDef for LayerNorm {
    const NAMES: &'static [&'static str] = &["layer_norm"];

    fn cases() -> Vec<OpCase> {
        let layer_norm = |shape: &[usize]| LayerNorm {
            normalized_shape: shape.to_vec(),
            eps: 1e-5,
        };
        vec![
            OpCase::new("last", layer_norm(&[8]), [&[2, 3, 8], &[8], &[8]]),
            OpCase::new(
                "last-two",
                layer_norm(&[3, 8]),
                [&[2, 3, 8], &[3, 8], &[3, 8]],
            ),
            OpCase::new("no-parameters", layer_norm(&[8]), [&[2, 8]]),
        ]
    }
}

register_op!(LayerNorm);

/// Adds a [`LayerNorm`].
///
/// # Errors
/// When the input does not end with `normalized_shape`.
pub fn layer_norm(
    g: &mut GraphBuilder,
    x: Value,
    normalized_shape: &[usize],
    weight: Value,
    bias: Value,
    eps: f64,
) -> Result<Value, BuildError> {
    let op = LayerNorm {
        normalized_shape: normalized_shape.to_vec(),
        eps,
    };
    g.one(op, &[x, weight, bias])
}
