//! `clone`: a copy.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::one;

/// A copy of a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloneTensor {}

impl Op for CloneTensor {
    fn name(&self) -> &'static str {
        "clone"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        one(x.dtype, x.shape.clone())
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, inputs, outputs)
    }
}

impl OpDef for CloneTensor {
    const NAMES: &'static [&'static str] = &["clone"];

    fn cases() -> Vec<OpCase> {
        vec![OpCase::new("plain", CloneTensor {}, [&[2, 3]])]
    }
}

register_op!(CloneTensor);

/// Adds a [`CloneTensor`].
///
/// # Errors
/// Never for a single tensor.
pub fn clone(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    g.one(CloneTensor {}, &[x])
}
