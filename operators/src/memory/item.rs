//! `item`: one element read by the host.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one};

/// The only element of a tensor. The reference reads it into a Python number, which waits for the device;
/// here it is a tensor without dimensions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {}

impl Op for Item {
    fn name(&self) -> &'static str {
        "item"
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
        one(x.dtype, Shape::default())
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, inputs, outputs)
    }
}

impl OpDef for Item {
    const NAMES: &'static [&'static str] = &["item"];

    fn cases() -> Vec<OpCase> {
        vec![
            OpCase::new("integer", Item {}, [&[]]).input(0, DType::I64, &[], Values::Below(9)),
            OpCase::new("float", Item {}, [&[1, 1]]),
        ]
    }
}

register_op!(Item);

/// Adds an [`Item`].
///
/// # Errors
/// When there is not exactly one element.
pub fn item(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    g.one(Item {}, &[x])
}
