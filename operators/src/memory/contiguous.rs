//! `contiguous`: a dense copy of a view.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::one;

/// The same elements in dense, row-major memory. PyTorch calls the operator only where this takes a
/// copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contiguous {}

impl Op for Contiguous {
    fn name(&self) -> &'static str {
        "contiguous"
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
        one(x.dtype, x.shape.clone())
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, inputs, outputs)
    }
}

impl OpDef for Contiguous {
    const NAMES: &'static [&'static str] = &["contiguous"];

    fn cases() -> Vec<OpCase> {
        vec![OpCase::new("plain", Contiguous {}, [&[2, 3]])]
    }
}

register_op!(Contiguous);

/// Adds a [`Contiguous`].
///
/// # Errors
/// Never for a single tensor.
pub fn contiguous(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    g.one(Contiguous {}, &[x])
}
