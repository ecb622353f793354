//! `fill_`: every element of a tensor written.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one};

/// A tensor like the input whose elements are all `value`, written over it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fill {
    /// The value.
    #[serde(with = "crate::scalar")]
    pub value: f64,
}

impl Op for Fill {
    fn name(&self) -> &'static str {
        "fill_"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand()
    }

    fn storage(&self) -> Storage {
        Storage::Written(0)
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        ensure(x.dtype.is_float() || self.value.fract() == 0.0, || {
            format!("{} is no {}", self.value, x.dtype)
        })?;
        one(x.dtype, x.shape.clone())
    }

    /// The result is written; the input is not read.
    fn cost(&self, _inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, &[], outputs)
    }
}

impl OpDef for Fill {
    const NAMES: &'static [&'static str] = &["fill_"];

    fn cases() -> Vec<OpCase> {
        let integer = OpCase::new("integer", Fill { value: 7.0 }, [&[]]);
        vec![
            OpCase::new("plain", Fill { value: 0.5 }, [&[2, 3]]),
            integer.input(0, DType::I64, &[], Values::Below(3)),
        ]
    }
}

register_op!(Fill);

/// Adds a [`Fill`].
///
/// # Errors
/// When the value does not fit the type.
pub fn fill_(g: &mut GraphBuilder, x: Value, value: f64) -> Result<Value, BuildError> {
    g.one(Fill { value }, &[x])
}
