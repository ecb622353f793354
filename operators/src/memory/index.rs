//! `index`: advanced indexing, `x[i, j]`, and selection by a mask, `x[mask]`.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{self, arity, ensure, invalid, one};
use crate::made::positions;
use crate::memory::index_select::rows;

/// `index(x, i, j, ...)`: elements `x[i][j]` of the leading dimensions for index tensors that
/// broadcast, or `index(x, mask)`: the elements where a bool mask over the leading dimensions is
/// set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {}

impl Op for Index {
    fn name(&self) -> &'static str {
        "index"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.dynamic()
    }

    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        let of = |(position, spec): (usize, &TensorSpec)| match position {
            1.. if spec.dtype != DType::Bool => positions(inputs, position as i64 - 1),
            _ => Values::usual(spec),
        };
        inputs.iter().enumerate().map(of).collect()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x, indices @ ..] = inputs else {
            return Err(arity("at least 2", inputs));
        };
        let (picked, consumed) = match indices {
            [] => return Err(arity("at least 2", inputs)),
            [mask] if mask.dtype == DType::Bool => {
                ensure(
                    mask.shape.rank() > 0 && x.shape.dims().starts_with(mask.shape.dims()),
                    || format!("mask {mask} does not cover {x}"),
                )?;
                (Shape::new([Dim::symbol("index")]), mask.shape.rank())
            }
            indices => {
                let mut shape = Shape::default();
                for tensor in indices {
                    check::index(tensor)?;
                    shape = shape.broadcast(&tensor.shape)?;
                }
                (shape, indices.len())
            }
        };
        let rest = x
            .shape
            .dims()
            .get(consumed..)
            .ok_or_else(|| invalid(format!("{consumed} indices are too many for {x}")))?;
        one(
            x.dtype,
            Shape::new(picked.dims().iter().chain(rest).cloned()),
        )
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        rows(inputs, outputs)
    }
}

impl OpDef for Index {
    const NAMES: &'static [&'static str] = &["index"];

    fn cases() -> Vec<OpCase> {
        let at = |case: OpCase, i, shape: &[usize], below| {
            case.input(i, DType::I64, shape, Values::Below(below))
        };
        let pair = OpCase::new("pair", Index {}, [&[2, 6], &[2, 1, 1], &[1, 1, 6]]);
        let row = OpCase::new("rows", Index {}, [&[4, 3], &[2, 2]]);
        let mask = OpCase::new("mask", Index {}, [&[5, 3], &[5]]);
        vec![
            at(at(pair, 1, &[2, 1, 1], 2), 2, &[1, 1, 6], 6),
            at(row, 1, &[2, 2], 4),
            mask.input(1, DType::Bool, &[5], Values::Below(2)),
        ]
    }
}

register_op!(Index);

/// Adds an [`Index`].
///
/// # Errors
/// When the indices do not fit.
pub fn index(g: &mut GraphBuilder, x: Value, indices: &[Value]) -> Result<Value, BuildError> {
    let inputs: Vec<Value> = [x].iter().chain(indices).copied().collect();
    g.one(Index {}, &inputs)
}
