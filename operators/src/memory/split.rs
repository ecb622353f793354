//! `split`: a dimension cut into pieces of one size.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{Inferred, ensure, output};

/// More outputs than this are an error.
const MAX_PIECES: usize = 1 << 12;

/// Cuts a dimension into views of `split_size` elements; the last may be smaller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Elements of a piece.
    pub split_size: usize,
    /// The dimension; negative counts from the end.
    pub dim: i64,
}

impl Op for Split {
    fn name(&self) -> &'static str {
        "split"
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
        pieces(x, axis, x.size(self.dim)?, self.split_size)
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Split {
    const NAMES: &'static [&'static str] = &["split"];

    fn cases() -> Vec<OpCase> {
        let split = |split_size, dim| Split { split_size, dim };
        vec![
            OpCase::new("even", split(2, -1), [&[3, 6]]),
            OpCase::new("rest", split(2, 0), [&[5, 3]]),
        ]
    }
}

register_op!(Split);

/// Cuts a dimension of `size` elements into pieces of `piece`, the last one smaller if need be.
///
/// # Errors
/// When pieces would be empty or too many.
pub(crate) fn pieces(x: &TensorSpec, axis: usize, size: usize, piece: usize) -> Inferred {
    ensure(piece > 0 || size == 0, || {
        "pieces must not be empty".to_owned()
    })?;
    let count = if piece == 0 {
        1
    } else {
        size.div_ceil(piece).max(1)
    };
    ensure(count <= MAX_PIECES, || {
        format!("{count} pieces are too many")
    })?;
    (0..count)
        .map(|i| {
            let mut shape = x.shape.clone();
            shape.dims_mut()[axis] = Dim::Known(piece.min(size - i * piece));
            output(x.dtype, shape)
        })
        .collect()
}

/// Adds a [`Split`]; returns the pieces.
///
/// # Errors
/// When the dimension does not exist or its size is not known.
pub fn split(
    g: &mut GraphBuilder,
    x: Value,
    split_size: usize,
    dim: i64,
) -> Result<Vec<Value>, BuildError> {
    g.add(Split { split_size, dim }, &[x])
}
