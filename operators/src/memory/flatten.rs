//! `flatten`: neighbouring dimensions merged.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one};
use crate::memory::view::viewed;

/// Dimensions `start_dim` to `end_dim`, both included, as one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {
    /// The first dimension to merge; negative counts from the end.
    pub start_dim: i64,
    /// The last dimension to merge; negative counts from the end.
    pub end_dim: i64,
}

impl Op for Flatten {
    fn name(&self) -> &'static str {
        "flatten"
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
        let (start, end) = (x.shape.axis(self.start_dim)?, x.shape.axis(self.end_dim)?);
        ensure(start <= end, || {
            format!("dimension {} comes after {}", self.start_dim, self.end_dim)
        })?;
        let merged = Shape::new(x.shape.dims()[start..=end].iter().cloned());
        let merged = viewed(&merged, &[-1])?;
        let mut shape = x.shape.clone();
        shape
            .dims_mut()
            .splice(start..=end, merged.dims().iter().cloned());
        one(x.dtype, shape)
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Flatten {
    const NAMES: &'static [&'static str] = &["flatten"];

    fn cases() -> Vec<OpCase> {
        let flatten = |start_dim, end_dim| Flatten { start_dim, end_dim };
        vec![
            OpCase::new("tail", flatten(1, -1), [&[2, 3, 4]]),
            OpCase::new("middle", flatten(1, 2), [&[2, 3, 2, 2]]),
        ]
    }
}

register_op!(Flatten);

/// Adds a [`Flatten`].
///
/// # Errors
/// When a dimension does not exist.
pub fn flatten(
    g: &mut GraphBuilder,
    x: Value,
    start_dim: i64,
    end_dim: i64,
) -> Result<Value, BuildError> {
    g.one(Flatten { start_dim, end_dim }, &[x])
}
