//! `split_with_sizes`: a dimension cut into pieces of given sizes.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{arity, ensure, invalid, output};

/// Cuts a dimension into views. The sizes are attributes, or, where only the data decide them, those of
/// the first dimensions of further inputs, one for each piece.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitWithSizes {
    /// Elements of each piece; empty where inputs say them.
    pub split_sizes: Vec<usize>,
    /// The dimension; negative counts from the end.
    pub dim: i64,
}

impl Op for SplitWithSizes {
    fn name(&self) -> &'static str {
        "split_with_sizes"
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
        let [x, like @ ..] = inputs else {
            return Err(arity("at least 1", inputs));
        };
        ensure(like.is_empty() != self.split_sizes.is_empty(), || {
            "takes sizes or further inputs that have them".to_owned()
        })?;
        let axis = x.shape.axis(self.dim)?;
        let mut pieces: Vec<Dim> = self.split_sizes.iter().copied().map(Dim::Known).collect();
        for other in like {
            let first = other.shape.dims().first();
            pieces.push(
                first
                    .cloned()
                    .ok_or_else(|| invalid(format!("{other} has no dimension that says a size")))?,
            );
        }
        let sum = pieces
            .iter()
            .try_fold(0usize, |sum, dim| sum.checked_add(dim.known()?));
        if let (Some(sum), Some(size)) = (sum, x.shape.dims()[axis].known()) {
            ensure(sum == size, || {
                format!("pieces of {sum} elements do not make {size}")
            })?;
        }
        let piece = |dim| {
            let mut shape = x.shape.clone();
            shape.dims_mut()[axis] = dim;
            output(x.dtype, shape)
        };
        pieces.into_iter().map(piece).collect()
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for SplitWithSizes {
    const NAMES: &'static [&'static str] = &["split_with_sizes"];

    fn cases() -> Vec<OpCase> {
        let op = |sizes: &[usize], dim| SplitWithSizes {
            split_sizes: sizes.to_vec(),
            dim,
        };
        vec![
            OpCase::new("sizes", op(&[2, 3, 1], -1), [&[2, 6]]),
            OpCase::new("inputs", op(&[], 0), [&[5, 2], &[3], &[2, 4]]),
            OpCase::new("empty", op(&[0, 3], 0), [&[3, 2]]),
        ]
    }
}

register_op!(SplitWithSizes);

/// Adds a [`SplitWithSizes`] of known sizes; returns the pieces.
///
/// # Errors
/// When the sizes do not make the dimension.
pub fn split_with_sizes(
    g: &mut GraphBuilder,
    x: Value,
    split_sizes: &[usize],
    dim: i64,
) -> Result<Vec<Value>, BuildError> {
    let split_sizes = split_sizes.to_vec();
    g.add(SplitWithSizes { split_sizes, dim }, &[x])
}

/// Cuts the first dimension of `x` into pieces as long as the first dimensions of `like`.
///
/// # Errors
/// When known sizes do not make the dimension.
pub fn split_like(
    g: &mut GraphBuilder,
    x: Value,
    like: &[Value],
) -> Result<Vec<Value>, BuildError> {
    let op = SplitWithSizes {
        split_sizes: Vec::new(),
        dim: 0,
    };
    let inputs: Vec<Value> = [x].iter().chain(like).copied().collect();
    g.add(op, &inputs)
}
