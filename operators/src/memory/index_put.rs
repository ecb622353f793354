//! `index_put_`: rows of a tensor written.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, index, one, rank, same_dtype};
use crate::made::{positions, usual_but};

/// `x[index] = values` for a vector of positions in the first dimension; the values broadcast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexPut {}

impl Op for IndexPut {
    fn name(&self) -> &'static str {
        "index_put_"
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
        usual_but(inputs, 1, positions(inputs, 0))
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x, indices, values] = ShapeError::arity(inputs)?;
        index(indices)?;
        rank(indices, "index", 1)?;
        same_dtype(&[x.clone(), values.clone()])?;
        let Some((_, row)) = x.shape.dims().split_first() else {
            return Err(ShapeError::invalid("there are no rows to write"));
        };
        let written = indices.shape.dims().iter().chain(row).cloned();
        let written = Shape::new(written);
        ensure(values.shape.broadcast(&written)? == written, || {
            format!("{values} does not fill {written}")
        })?;
        one(x.dtype, x.shape.clone())
    }

    /// The values are read and written.
    fn cost(&self, inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        let mut cost = Cost::streaming(0, inputs.get(1..).unwrap_or_default(), &[]);
        if let [x, indices, _] = inputs {
            let rows = x
                .shape
                .dims()
                .first()
                .and_then(Dim::known)
                .unwrap_or(1)
                .max(1);
            let written = x.bytes() / rows as u64;
            cost.bytes = cost
                .bytes
                .saturating_add(written.saturating_mul(indices.elements()));
        }
        cost
    }
}

impl OpDef for IndexPut {
    const NAMES: &'static [&'static str] = &["index_put_"];

    fn cases() -> Vec<OpCase> {
        // The positions are one each: which of several writes to one position wins is not defined.
        let rows = OpCase::new("row", IndexPut {}, [&[1, 3, 2], &[1], &[1, 3, 2]]);
        let bits = OpCase::new("bits", IndexPut {}, [&[6], &[3], &[]]);
        let none = OpCase::new("none", IndexPut {}, [&[4, 3], &[0], &[0, 3]]);
        vec![
            rows.input(1, DType::I64, &[1], Values::Below(1)),
            bits.input(0, DType::Bool, &[6], Values::Below(2))
                .input(1, DType::I64, &[3], Values::Below(6))
                .input(2, DType::Bool, &[], Values::Below(2)),
            none.input(1, DType::I64, &[0], Values::Below(4)),
        ]
    }
}

register_op!(IndexPut);

/// Adds an [`IndexPut`].
///
/// # Errors
/// When shapes or types do not fit.
pub fn index_put_(
    g: &mut GraphBuilder,
    x: Value,
    index: Value,
    values: Value,
) -> Result<Value, BuildError> {
    g.one(IndexPut {}, &[x, index, values])
}
