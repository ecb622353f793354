//! `transpose`: two dimensions swapped.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::one;

/// Swaps two dimensions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transpose {
    /// One dimension; negative counts from the end.
    pub dim0: i64,
    /// The other.
    pub dim1: i64,
}

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand()
    }

    fn storage(&self) -> Storage {
        Storage::Shared
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        let (a, b) = (x.shape.axis(self.dim0)?, x.shape.axis(self.dim1)?);
        let mut shape = x.shape.clone();
        shape.dims_mut().swap(a, b);
        one(x.dtype, shape)
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Transpose {
    const NAMES: &'static [&'static str] = &["transpose"];

    fn cases() -> Vec<OpCase> {
        let transpose = |dim0, dim1| Transpose { dim0, dim1 };
        vec![
            OpCase::new("last", transpose(-1, -2), [&[2, 3, 4]]),
            OpCase::new("middle", transpose(1, 2), [&[2, 3, 4, 2]]),
        ]
    }
}

register_op!(Transpose);

/// Adds a [`Transpose`].
///
/// # Errors
/// When a dimension does not exist.
pub fn transpose(
    g: &mut GraphBuilder,
    x: Value,
    dim0: i64,
    dim1: i64,
) -> Result<Value, BuildError> {
    g.one(Transpose { dim0, dim1 }, &[x])
}
