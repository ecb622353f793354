//! `select`: one position of a dimension.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one};

/// One position of a dimension, which is removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Select {
    /// The dimension; negative counts from the end.
    pub dim: i64,

    /// The position; negative counts from the end.
    pub index: i64,
}

impl Op for Select {
    fn name(&self) -> &'static str {
        "select"
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
        let axis = x.shape.axis(self.dim)?;
        if let Some(size) = x.shape.dims()[axis].known() {
            let distance = usize::try_from(self.index.unsigned_abs()).unwrap_or(usize::MAX);
            let inside = distance < size || (self.index < 0 && distance == size);
            ensure(inside, || {
                format!("index {} is outside dimension {}", self.index, self.dim)
            })?;
        }
        let mut shape = x.shape.clone();
        shape.dims_mut().remove(axis);
        one(x.dtype, shape)
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Select {
    const NAMES: &'static [&'static str] = &["select"];

    fn cases() -> Vec<OpCase> {
        let select = |dim, index| Select { dim, index };
        vec![
            OpCase::new("first", select(1, 0), [&[2, 3, 4]]),
            OpCase::new("last", select(-1, -1), [&[2, 3]]),
        ]
    }
}

register_op!(Select);

/// Adds a [`Select`].
///
/// # Errors
/// When the dimension or the position does not exist.
pub fn select(g: &mut GraphBuilder, x: Value, dim: i64, index: i64) -> Result<Value, BuildError> {
    g.one(Select { dim, index }, &[x])
}
