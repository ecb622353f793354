//! `expand_as`: a tensor repeated without copies, as large as another.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one};

/// A view of the first input that has the shape of the second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpandAs {}

impl Op for ExpandAs {
    fn name(&self) -> &'static str {
        "expand_as"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
    }

    fn storage(&self) -> Storage {
        Storage::Shared
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x, other] = ShapeError::arity(inputs)?;
        ensure(x.shape.broadcast(&other.shape)? == other.shape, || {
            format!("{x} cannot be expanded to {}", other.shape)
        })?;
        one(x.dtype, other.shape.clone())
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for ExpandAs {
    const NAMES: &'static [&'static str] = &["expand_as"];

    fn cases() -> Vec<OpCase> {
        vec![OpCase::new("rows", ExpandAs {}, [&[1, 4], &[3, 4]])]
    }
}

register_op!(ExpandAs);

/// Adds an [`ExpandAs`].
///
/// # Errors
/// When the shapes do not broadcast.
pub fn expand_as(g: &mut GraphBuilder, x: Value, other: Value) -> Result<Value, BuildError> {
    g.one(ExpandAs {}, &[x, other])
}
