//! `chunk`: a dimension cut into a number of pieces.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::ensure;
use crate::memory::split::pieces;

/// Cuts a dimension into at most `chunks` views of one size; the last may be smaller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chunk {
    /// Number of pieces.
    pub chunks: usize,
    /// The dimension; negative counts from the end.
    pub dim: i64,
}

impl Op for Chunk {
    fn name(&self) -> &'static str {
        "chunk"
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
        ensure(self.chunks > 0, || {
            "the number of pieces must be at least 1".to_owned()
        })?;
        let size = x.size(self.dim)?;
        pieces(x, axis, size, size.div_ceil(self.chunks))
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Chunk {
    const NAMES: &'static [&'static str] = &["chunk"];

    fn cases() -> Vec<OpCase> {
        let chunk = |chunks, dim| Chunk { chunks, dim };
        vec![
            OpCase::new("even", chunk(3, -1), [&[2, 6]]),
            OpCase::new("rest", chunk(3, 0), [&[5, 2]]),
        ]
    }
}

register_op!(Chunk);

/// Adds a [`Chunk`]; returns the pieces.
///
/// # Errors
/// When the dimension does not exist or its size is not known.
pub fn chunk(
    g: &mut GraphBuilder,
    x: Value,
    chunks: usize,
    dim: i64,
) -> Result<Vec<Value>, BuildError> {
    g.add(Chunk { chunks, dim }, &[x])
}
