//! `squeeze`: dimensions of size 1 removed.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::one;

/// Removes a dimension if its size is 1, or all of size 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Squeeze {
    /// The dimension; negative counts from the end, nothing means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dim: Option<i64>,
}

impl Op for Squeeze {
    fn name(&self) -> &'static str {
        "squeeze"
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
        let axis = self.dim.map(|dim| x.shape.axis(dim)).transpose()?;
        let dims = x.shape.dims().iter().enumerate();
        let kept = dims.filter(|(i, dim)| {
            let named = axis.is_none_or(|axis| axis == *i);
            !(named && **dim == Dim::Known(1))
        });
        one(x.dtype, Shape::new(kept.map(|(_, dim)| dim.clone())))
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Squeeze {
    const NAMES: &'static [&'static str] = &["squeeze"];

    fn cases() -> Vec<OpCase> {
        let squeeze = |dim| Squeeze { dim };
        vec![
            OpCase::new("one", squeeze(Some(-1)), [&[1, 2, 1]]),
            OpCase::new("every", squeeze(None), [&[1, 2, 1, 3]]),
            OpCase::new("larger", squeeze(Some(0)), [&[2, 1]]),
        ]
    }
}

register_op!(Squeeze);

/// Adds a [`Squeeze`].
///
/// # Errors
/// When the dimension does not exist.
pub fn squeeze(g: &mut GraphBuilder, x: Value, dim: Option<i64>) -> Result<Value, BuildError> {
    g.one(Squeeze { dim }, &[x])
}
