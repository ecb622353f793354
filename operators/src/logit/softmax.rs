//! `softmax`: exponentials of one dimension, scaled to add up to one.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{float, one};

/// `softmax(x)[i] = exp(x[i]) / sum(exp(x))` over one dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softmax {
    /// The dimension; negative counts from the end.
    pub dim: i64,
    /// Element type of the result, if it differs from the input's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<DType>,
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Logit
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear().reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        x.shape.axis(self.dim)?;
        let outputs = one(self.dtype.unwrap_or(x.dtype), x.shape.clone())?;
        float(&outputs[0])?;
        Ok(outputs)
    }

    /// Five operations per element: maximum, subtraction, exponential, sum, division.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(5, inputs, outputs)
    }
}

impl OpDef for Softmax {
    const NAMES: &'static [&'static str] = &["softmax"];

    fn cases() -> Vec<OpCase> {
        let softmax = |dim| Softmax { dim, dtype: None };
        vec![
            OpCase::new("last", softmax(-1), [&[2, 3, 5, 7]]),
            OpCase::new("middle", softmax(1), [&[2, 3, 4]]),
        ]
    }
}

register_op!(Softmax);

/// Adds a [`Softmax`] over `dim`.
///
/// # Errors
/// When the dimension does not exist.
pub fn softmax(g: &mut GraphBuilder, x: Value, dim: i64) -> Result<Value, BuildError> {
    g.one(Softmax { dim, dtype: None }, &[x])
}

/// Adds a [`Softmax`] over `dim` whose result is of type `dtype`.
///
/// # Errors
/// When the dimension does not exist or the type is not floating-point.
pub fn softmax_to(
    g: &mut GraphBuilder,
    x: Value,
    dim: i64,
    dtype: DType,
) -> Result<Value, BuildError> {
    let dtype = Some(dtype);
    g.one(Softmax { dim, dtype }, &[x])
}
