//! `to`: another element type.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::one;

/// Converts to another element type. To the type that it has already, it is a call that returns its
/// input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct To {
    /// The new element type.
    pub dtype: DType,
}

impl Op for To {
    fn name(&self) -> &'static str {
        "to"
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
        one(self.dtype, x.shape.clone())
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        match inputs {
            [x] if x.dtype == self.dtype => Cost::FREE,
            _ => Cost::streaming(0, inputs, outputs),
        }
    }
}

impl OpDef for To {
    const NAMES: &'static [&'static str] = &["to"];

    fn cases() -> Vec<OpCase> {
        let to = |name, from, dtype, values| {
            OpCase::new(name, To { dtype }, [&[2, 4]]).input(0, from, &[2, 4], values)
        };
        let range = Values::Range(-3.0, 3.0);
        vec![
            to("same", DType::F32, DType::F32, range),
            to("half", DType::F32, DType::F16, range),
            to("truncate", DType::F32, DType::I64, range).jumps(),
            to("to-bool", DType::I64, DType::Bool, Values::Below(2)),
            to("from-bool", DType::Bool, DType::F32, Values::Below(2)),
            to("from-integer", DType::I64, DType::F32, Values::Below(9)),
        ]
    }
}

register_op!(To);

/// Adds a [`To`].
///
/// # Errors
/// Never for a single tensor.
pub fn to(g: &mut GraphBuilder, x: Value, dtype: DType) -> Result<Value, BuildError> {
    g.one(To { dtype }, &[x])
}
