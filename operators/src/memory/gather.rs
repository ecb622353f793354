//! `gather`: elements of one dimension, chosen for each position.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, index, one, rank};
use crate::made::{positions, usual_but};
use crate::memory::index_select::rows;

/// `gather(x, index)[i][j][k] = x[i][index[i][j][k]][k]` for dimension 1, and so on; the result has
/// the shape of the index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gather {
    /// The dimension; negative counts from the end.
    pub dim: i64,
}

impl Op for Gather {
    fn name(&self) -> &'static str {
        "gather"
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
        let axis = x.shape.axis(self.dim)?;
        rank(indices, "index", x.shape.rank())?;
        let dims = x.shape.dims().iter().zip(indices.shape.dims()).enumerate();
        for (i, (size, wanted)) in dims {
            let fits = match (size, wanted) {
                (Dim::Known(size), Dim::Known(wanted)) => wanted <= size,
                _ => size == wanted,
            };
            ensure(i == axis || fits, || {
                format!("index {indices} is larger than {x} in dimension {i}")
            })?;
        }
        one(x.dtype, indices.shape.clone())
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        rows(inputs, outputs)
    }
}

impl OpDef for Gather {
    const NAMES: &'static [&'static str] = &["gather"];

    fn cases() -> Vec<OpCase> {
        let case = |name, dim, x: &[usize], index: &[usize], below| {
            OpCase::new(name, Gather { dim }, [x, index]).input(
                1,
                DType::I64,
                index,
                Values::Below(below),
            )
        };
        vec![
            case("last", 1, &[2, 5], &[2, 3], 5),
            case("first", 0, &[4, 3], &[2, 3], 4),
            case("integers", 1, &[1, 6], &[1, 4], 6).input(
                0,
                DType::I64,
                &[1, 6],
                Values::Below(2),
            ),
        ]
    }
}

register_op!(Gather);

/// Adds a [`Gather`].
///
/// # Errors
/// When the index does not fit.
pub fn gather(g: &mut GraphBuilder, x: Value, dim: i64, index: Value) -> Result<Value, BuildError> {
    g.one(Gather { dim }, &[x, index])
}
