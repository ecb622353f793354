//! `reshape`: another shape, copied where memory does not allow a view.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::one;
use crate::memory::view::viewed;

/// The same elements in another shape; a view where possible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reshape {
    /// The new sizes; one of them may be -1: whatever is left.
    pub shape: Vec<i64>,
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
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
        one(x.dtype, viewed(&x.shape, &self.shape)?)
    }

    /// Nothing at the least; a backend that has to copy does more.
    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Reshape {
    const NAMES: &'static [&'static str] = &["reshape"];

    fn cases() -> Vec<OpCase> {
        let reshape = |shape: &[i64]| Reshape {
            shape: shape.to_vec(),
        };
        vec![
            OpCase::new("merge", reshape(&[2, -1]), [&[2, 3, 4]]),
            OpCase::new("scalar", reshape(&[]), [&[1, 1]]),
        ]
    }
}

register_op!(Reshape);

/// Adds a [`Reshape`].
///
/// # Errors
/// When the numbers of elements differ.
pub fn reshape(g: &mut GraphBuilder, x: Value, shape: &[i64]) -> Result<Value, BuildError> {
    let shape = shape.to_vec();
    g.one(Reshape { shape }, &[x])
}
