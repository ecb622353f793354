//! `pow`: a power with a fixed exponent.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one, promote_scalar};

/// `pow(x) = x` to the power `exponent`, element-wise; or a number `base` to the powers `x`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pow {
    /// The exponent; 1 where there is a base.
    pub exponent: f64,
    /// What is raised to the powers that the elements are, if it is a number.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::scalar::option"
    )]
    pub base: Option<f64>,
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
        if self.base.is_some() {
            ensure(x.dtype.is_float() && self.exponent == 1.0, || {
                "a number takes floating-point powers, and no exponent beside them".to_owned()
            })?;
            return one(x.dtype, x.shape.clone());
        }
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
        let to = |exponent| Pow {
            exponent,
            base: None,
        };
        let of = Pow {
            exponent: 1.0,
            base: Some(10_000.0),
        };
        vec![
            OpCase::new("base", of, [&[3, 5]]).values(0, Values::Range(0.0, 1.0)),
            OpCase::new("cube", to(3.0), [&[3, 5]]),
            OpCase::new("square", to(2.0), [&[3, 5]]),
            OpCase::new("root", to(0.5), [&[3, 5]]).values(0, Values::Range(0.0, 4.0)),
        ]
    }
}

register_op!(Pow);

/// Adds a [`Pow`].
///
/// # Errors
/// When integers are raised to a negative power.
pub fn pow(g: &mut GraphBuilder, x: Value, exponent: f64) -> Result<Value, BuildError> {
    let base = None;
    g.one(Pow { exponent, base }, &[x])
}

/// `base` to the powers `x`.
///
/// # Errors
/// When the powers are no floating-point numbers.
pub fn powers(g: &mut GraphBuilder, base: f64, x: Value) -> Result<Value, BuildError> {
    let base = Some(base);
    let exponent = 1.0;
    g.one(Pow { exponent, base }, &[x])
}
