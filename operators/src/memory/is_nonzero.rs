//! `is_nonzero`: one element read by the host, to decide something.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one};

/// Whether the only element of a tensor is true (not zero). The reference reads it into a Python
/// bool, which waits for the device; here it is a bool tensor without dimensions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IsNonzero {}

impl Op for IsNonzero {
    fn name(&self) -> &'static str {
        "is_nonzero"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().dynamic()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        ensure(x.shape.elements() == Some(1), || {
            format!("takes one element, got {x}")
        })?;
        one(DType::Bool, Shape::default())
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, inputs, outputs)
    }
}

impl OpDef for IsNonzero {
    const NAMES: &'static [&'static str] = &["is_nonzero"];

    fn cases() -> Vec<OpCase> {
        let bit = Values::Below(2);
        vec![
            OpCase::new("bool", IsNonzero {}, [&[]]).input(0, DType::Bool, &[], bit),
            OpCase::new("integer", IsNonzero {}, [&[1, 1]]).input(0, DType::I64, &[1, 1], bit),
        ]
    }
}

register_op!(IsNonzero);

/// Adds an [`IsNonzero`].
///
/// # Errors
/// When there is not exactly one element.
pub fn is_nonzero(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    g.one(IsNonzero {}, &[x])
}
