//! `index_add_`: rows added to chosen rows.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, index, one, rank, same_dtype};
use crate::made::{positions, usual_but};

/// `index_add_(x, index, source)`: slice `i` of the source is added to slice `index[i]` of `x`, along a
/// dimension. Slices that are named twice get both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexAdd {
    /// The dimension; negative counts from the end.
    pub dim: i64,
}

impl Op for IndexAdd {
    fn name(&self) -> &'static str {
        "index_add_"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.dynamic()
    }

    fn storage(&self) -> Storage {
        Storage::Written(0)
    }

    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        usual_but(inputs, 1, positions(inputs, self.dim))
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x, places, source] = ShapeError::arity(inputs)?;
        index(places)?;
        rank(places, "index", 1)?;
        same_dtype(&[x.clone(), source.clone()])?;
        let axis = x.shape.axis(self.dim)?;
        let mut expected = x.shape.clone();
        expected.dims_mut()[axis] = places.shape.dims()[0].clone();
        ensure(source.shape == expected, || {
            format!("the source must have shape {expected}, got {source}")
        })?;
        one(x.dtype, x.shape.clone())
    }

    /// One addition per element of the source.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let elements = inputs.get(2).map_or(0, TensorSpec::elements);
        Cost::streaming(elements, inputs, outputs)
    }
}

impl OpDef for IndexAdd {
    const NAMES: &'static [&'static str] = &["index_add_"];

    fn cases() -> Vec<OpCase> {
        let case = |name, dim, shapes: [&[usize]; 3]| {
            OpCase::new(name, IndexAdd { dim }, shapes).input(
                1,
                DType::I64,
                shapes[1],
                Values::Below(4),
            )
        };
        vec![
            case("rows", 0, [&[4, 3], &[6], &[6, 3]]),
            case("columns", -1, [&[2, 4], &[2], &[2, 2]]),
            case("nothing", 0, [&[4, 3], &[0], &[0, 3]]),
        ]
    }
}

register_op!(IndexAdd);

/// Adds an [`IndexAdd`] to the rows of `x`.
///
/// # Errors
/// When shapes or types do not fit.
pub fn index_add_(
    g: &mut GraphBuilder,
    x: Value,
    index: Value,
    source: Value,
) -> Result<Value, BuildError> {
    g.one(IndexAdd { dim: 0 }, &[x, index, source])
}
