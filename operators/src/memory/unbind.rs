//! `unbind`: a dimension cut into its elements.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, output};

/// More outputs than this are an error.
const MAX_PIECES: usize = 1 << 12;

/// Cuts a dimension into views of one element each, without that dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unbind {
    /// The dimension; negative counts from the end.
    pub dim: i64,
    /// How many views there are of a dimension whose size only the data decide. Where there are fewer
    /// elements, the last one is repeated (zeros if there is none); more are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
}

impl Op for Unbind {
    fn name(&self) -> &'static str {
        "unbind"
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
        let count = self.count.map_or_else(|| x.size(self.dim), Ok)?;
        ensure((1..=MAX_PIECES).contains(&count), || {
            format!("{count} views; there must be from 1 to {MAX_PIECES}")
        })?;
        let mut dims = x.shape.dims().to_vec();
        dims.remove(axis);
        let piece = output(x.dtype, Shape::new(dims))?;
        Ok(vec![piece; count])
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Unbind {
    const NAMES: &'static [&'static str] = &["unbind"];

    fn cases() -> Vec<OpCase> {
        let op = |dim, count| Unbind { dim, count };
        vec![
            OpCase::new("first", op(0, None), [&[3, 4]]),
            OpCase::new("last", op(-1, None), [&[2, 3, 2]]),
            OpCase::new("counted", op(0, Some(4)), [&[2, 3]]),
        ]
    }
}

register_op!(Unbind);

/// Adds an [`Unbind`] of a known dimension; returns the views.
///
/// # Errors
/// When the dimension does not exist or its size is not known.
pub fn unbind(g: &mut GraphBuilder, x: Value, dim: i64) -> Result<Vec<Value>, BuildError> {
    g.add(Unbind { dim, count: None }, &[x])
}

/// Adds an [`Unbind`] with `count` views; see [`Unbind::count`].
///
/// # Errors
/// When the dimension does not exist or there are too many views.
pub fn unbind_counted(
    g: &mut GraphBuilder,
    x: Value,
    dim: i64,
    count: usize,
) -> Result<Vec<Value>, BuildError> {
    let count = Some(count);
    g.add(Unbind { dim, count }, &[x])
}
