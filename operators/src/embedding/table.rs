//! `embedding`: rows of a table.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{float, index, one, rank};
use crate::made::{positions, usual_but};
use crate::memory::rows;

/// `embedding(weight, indices)`: rows of `weight[rows, width]`; the result has the shape of the
/// indices and `width`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {}

impl Op for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Embedding
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand()
    }

    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        usual_but(inputs, 1, positions(inputs, 0))
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [weight, indices] = ShapeError::arity(inputs)?;
        float(weight)?;
        rank(weight, "weight", 2)?;
        index(indices)?;
        let mut shape = indices.shape.clone();
        shape.dims_mut().push(weight.shape.dims()[1].clone());
        one(weight.dtype, shape)
    }

    /// The chosen rows are read and written; the rest of the table is not touched.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        rows(inputs, outputs)
    }
}

impl OpDef for Embedding {
    const NAMES: &'static [&'static str] = &["embedding"];

    fn cases() -> Vec<OpCase> {
        let case = |name, indices: &[usize]| {
            OpCase::new(name, Embedding {}, [&[11, 4], indices]).input(
                1,
                DType::I64,
                indices,
                Values::Below(11),
            )
        };
        vec![case("matrix", &[2, 5]), case("vector", &[3])]
    }
}

register_op!(Embedding);

/// Adds an [`Embedding`].
///
/// # Errors
/// When the weight is no matrix or the indices are no integers.
pub fn embedding(g: &mut GraphBuilder, weight: Value, indices: Value) -> Result<Value, BuildError> {
    g.one(Embedding {}, &[weight, indices])
}
