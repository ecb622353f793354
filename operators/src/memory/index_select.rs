//! `index_select`: chosen positions of one dimension.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{index, one, rank};
use crate::made::{positions, usual_but};

/// Positions `index` (a vector) of one dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexSelect {
    /// The dimension; negative counts from the end.
    pub dim: i64,
}

impl Op for IndexSelect {
    fn name(&self) -> &'static str {
        "index_select"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
    }

    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        usual_but(inputs, 1, positions(inputs, self.dim))
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x, indices] = ShapeError::arity(inputs)?;
        index(indices)?;
        rank(indices, "index", 1)?;
        let axis = x.shape.axis(self.dim)?;
        let mut shape = x.shape.clone();
        shape.dims_mut()[axis] = indices.shape.dims()[0].clone();
        one(x.dtype, shape)
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        rows(inputs, outputs)
    }
}

impl OpDef for IndexSelect {
    const NAMES: &'static [&'static str] = &["index_select"];

    fn cases() -> Vec<OpCase> {
        let case = |name, dim, below| {
            OpCase::new(name, IndexSelect { dim }, [&[3, 4], &[5]]).input(
                1,
                DType::I64,
                &[5],
                Values::Below(below),
            )
        };
        vec![case("rows", 0, 3), case("columns", -1, 4)]
    }
}

register_op!(IndexSelect);

/// Cost of look-ups in a first input: as much as the result is read from it, all of it at most; the
/// indices are read and the result is written.
pub(crate) fn rows(inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
    let indices = inputs.get(1..).unwrap_or_default();
    let mut cost = Cost::streaming(0, indices, outputs);
    if let ([table, ..], [result, ..]) = (inputs, outputs) {
        cost.bytes += table.bytes().min(result.bytes());
    }
    cost
}

/// Adds an [`IndexSelect`].
///
/// # Errors
/// When the dimension does not exist or the index is no vector.
pub fn index_select(
    g: &mut GraphBuilder,
    x: Value,
    dim: i64,
    index: Value,
) -> Result<Value, BuildError> {
    g.one(IndexSelect { dim }, &[x, index])
}
