//! `permute`: dimensions in another order.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one};

/// Puts the dimensions into another order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permute {
    /// For each dimension of the result the one of the input; negative counts from the end.
    pub dims: Vec<i64>,
}

impl Op for Permute {
    fn name(&self) -> &'static str {
        "permute"
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
        let mut dims = Vec::with_capacity(self.dims.len());
        let mut seen = vec![false; x.shape.rank()];
        for &dim in &self.dims {
            let axis = x.shape.axis(dim)?;
            ensure(!seen[axis], || format!("dimension {dim} is named twice"))?;
            seen[axis] = true;
            dims.push(x.shape.dims()[axis].clone());
        }
        ensure(dims.len() == x.shape.rank(), || {
            format!("{} dimensions are named for {x}", dims.len())
        })?;
        one(x.dtype, Shape::new(dims))
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Permute {
    const NAMES: &'static [&'static str] = &["permute"];

    fn cases() -> Vec<OpCase> {
        let permute = |dims: &[i64]| Permute {
            dims: dims.to_vec(),
        };
        vec![
            OpCase::new("rotate", permute(&[2, 0, 1]), [&[2, 3, 4]]),
            OpCase::new("channels-last", permute(&[0, 2, -1, 1]), [&[2, 3, 4, 5]]),
        ]
    }
}

register_op!(Permute);

/// Adds a [`Permute`].
///
/// # Errors
/// When `dims` is not a permutation of the dimensions.
pub fn permute(g: &mut GraphBuilder, x: Value, dims: &[i64]) -> Result<Value, BuildError> {
    let dims = dims.to_vec();
    g.one(Permute { dims }, &[x])
}
