//! `cumsum`: running sums.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{invalid, one};

/// `cumsum(x)[i] = x[0] + ... + x[i]` over one dimension; integers and bool in `i64`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cumsum {
    /// The dimension; negative counts from the end.
    pub dim: i64,
    /// Element type of the result, if it is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<DType>,
}

impl Op for Cumsum {
    fn name(&self) -> &'static str {
        "cumsum"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
            .single_operation()
            .single_operand()
            .reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        x.shape.axis(self.dim)?;
        let dtype = match self.dtype {
            Some(DType::Bool) => return Err(invalid("sums cannot be bool")),
            Some(dtype) => dtype,
            None if x.dtype.is_float() => x.dtype,
            None => DType::I64,
        };
        one(dtype, x.shape.clone())
    }

    /// One operation per element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(1, inputs, outputs)
    }
}

impl OpDef for Cumsum {
    const NAMES: &'static [&'static str] = &["cumsum"];

    fn cases() -> Vec<OpCase> {
        let cumsum = |dim, dtype| Cumsum { dim, dtype };
        vec![
            OpCase::new("last", cumsum(-1, None), [&[2, 5]]),
            OpCase::new("first", cumsum(0, None), [&[4, 3]]),
            OpCase::new("bool", cumsum(-1, None), [&[2, 6]]).input(
                0,
                DType::Bool,
                &[2, 6],
                Values::Below(2),
            ),
            OpCase::new("bool-to-float", cumsum(1, Some(DType::F32)), [&[2, 6]]).input(
                0,
                DType::Bool,
                &[2, 6],
                Values::Below(2),
            ),
        ]
    }
}

register_op!(Cumsum);

/// Adds a [`Cumsum`].
///
/// # Errors
/// When the dimension does not exist.
pub fn cumsum(g: &mut GraphBuilder, x: Value, dim: i64) -> Result<Value, BuildError> {
    g.one(Cumsum { dim, dtype: None }, &[x])
}
