//! `unsqueeze`: a dimension of size 1 added.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one};

/// Adds a dimension of size 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsqueeze {
    /// Where; negative counts from the end of the result.
    pub dim: i64,
}

impl Op for Unsqueeze {
    fn name(&self) -> &'static str {
        "unsqueeze"
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
        let axis = new_axis(&x.shape, self.dim)?;
        let mut shape = x.shape.clone();
        shape.dims_mut().insert(axis, 1.into());
        one(x.dtype, shape)
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Unsqueeze {
    const NAMES: &'static [&'static str] = &["unsqueeze"];

    fn cases() -> Vec<OpCase> {
        vec![
            OpCase::new("first", Unsqueeze { dim: 0 }, [&[2, 3]]),
            OpCase::new("last", Unsqueeze { dim: -1 }, [&[2, 3]]),
        ]
    }
}

register_op!(Unsqueeze);

/// Where a new dimension goes.
///
/// # Errors
/// When the position is outside the result.
pub(crate) fn new_axis(x: &Shape, dim: i64) -> Result<usize, ShapeError> {
    let rank = x.rank() as i64 + 1;
    let axis = if dim < 0 { dim + rank } else { dim };
    ensure((0..rank).contains(&axis), || {
        format!("position {dim} for a new dimension is outside {x}")
    })?;
    Ok(axis as usize)
}

/// Adds an [`Unsqueeze`].
///
/// # Errors
/// When the position does not exist.
pub fn unsqueeze(g: &mut GraphBuilder, x: Value, dim: i64) -> Result<Value, BuildError> {
    g.one(Unsqueeze { dim }, &[x])
}
