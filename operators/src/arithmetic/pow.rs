//! `pow`: a power with a fixed exponent.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one, promote_scalar};

/// `pow(x) = x` to the power `exponent`, element-wise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pow {
    /// The exponent.
    pub exponent: f64,
}

impl Op for Pow {
    fn name(&self) -> &'static str {
        "pow"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
            .single_operation()
            .single_operand()
            .non_linear()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        let dtype = promote_scalar(x.dtype, self.exponent);
        ensure(dtype.is_float() || self.exponent >= 0.0, || {
            format!("integers have no power {}", self.exponent)
        })?;
        one(dtype, x.shape.clone())
    }

    /// One operation per element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(1, inputs, outputs)
    }
}

impl OpDef for Pow {
    const NAMES: &'static [&'static str] = &["pow"];

    fn cases() -> Vec<OpCase> {
        vec![
            OpCase::new("cube", Pow { exponent: 3.0 }, [&[3, 5]]),
            OpCase::new("square", Pow { exponent: 2.0 }, [&[3, 5]]),
            OpCase::new("root", Pow { exponent: 0.5 }, [&[3, 5]])
                .values(0, Values::Range(0.0, 4.0)),
        ]
    }
}

register_op!(Pow);

/// Adds a [`Pow`].
///
/// # Errors
/// When integers are raised to a negative power.
pub fn pow(g: &mut GraphBuilder, x: Value, exponent: f64) -> Result<Value, BuildError> {
    g.one(Pow { exponent }, &[x])
}
