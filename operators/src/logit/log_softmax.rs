//! `log_softmax`: the logarithm of softmax.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{float, one};

/// `log_softmax(x)[i] = x[i] - log(sum(exp(x)))` over one dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSoftmax {
    /// The dimension; negative counts from the end.
    pub dim: i64,

    /// Element type of the result, if it differs from the input's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<DType>,
}

impl Op for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
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

    /// Five operations per element: maximum, subtraction, exponential, sum, subtraction of the
    /// logarithm.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(5, inputs, outputs)
    }
}

impl OpDef for LogSoftmax {
    const NAMES: &'static [&'static str] = &["log_softmax"];

    fn cases() -> Vec<OpCase> {
        let log_softmax = |dim| LogSoftmax { dim, dtype: None };
        vec![
            OpCase::new("last", log_softmax(-1), [&[2, 3, 5]]),
            OpCase::new("middle", log_softmax(1), [&[2, 3, 4]]),
        ]
    }
}

register_op!(LogSoftmax);

/// Adds a [`LogSoftmax`] over `dim`.
///
/// # Errors
/// When the dimension does not exist.
pub fn log_softmax(g: &mut GraphBuilder, x: Value, dim: i64) -> Result<Value, BuildError> {
    g.one(LogSoftmax { dim, dtype: None }, &[x])
}
