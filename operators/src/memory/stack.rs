//! `stack`: tensors joined along a new dimension.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{arity, ensure, one};
use crate::memory::unsqueeze::new_axis;

/// Joins tensors of one shape and type along a new dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// The new dimension; negative counts from the end of the result.
    pub dim: i64,
}

impl Op for Stack {
    fn name(&self) -> &'static str {
        "stack"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [first, rest @ ..] = inputs else {
            return Err(arity("at least 1", inputs));
        };
        let other = rest.iter().find(|x| *x != first);
        ensure(other.is_none(), || {
            "inputs must have one shape and dtype".to_owned()
        })?;
        let axis = new_axis(&first.shape, self.dim)?;
        let mut shape = first.shape.clone();
        shape.dims_mut().insert(axis, inputs.len().into());
        one(first.dtype, shape)
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, inputs, outputs)
    }
}

impl OpDef for Stack {
    const NAMES: &'static [&'static str] = &["stack"];

    fn cases() -> Vec<OpCase> {
        vec![
            OpCase::new("first", Stack { dim: 0 }, [&[2, 3], &[2, 3]]),
            OpCase::new("last", Stack { dim: -1 }, [&[2, 3], &[2, 3], &[2, 3]]),
        ]
    }
}

register_op!(Stack);

/// Adds a [`Stack`].
///
/// # Errors
/// When shapes or types differ.
pub fn stack(g: &mut GraphBuilder, inputs: &[Value], dim: i64) -> Result<Value, BuildError> {
    g.one(Stack { dim }, inputs)
}
