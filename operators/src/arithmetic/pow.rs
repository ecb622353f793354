//! `pow`: a power with a fixed exponent or a fixed base.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, float, one, promote_scalar};

/// `pow(x) = x` to the power `exponent`, or `base` to the power `x` if there is a base; element-wise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pow {
    /// The exponent, if there is no base.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub exponent: f64,
    /// The base, if it is a number.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::scalar::option"
    )]
    pub base: Option<f64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(exponent: &f64) -> bool {
    *exponent == 0.0
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

    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        let roots = self.base.is_none() && self.exponent.fract() != 0.0;
        let of = |spec: &TensorSpec| match roots || self.exponent < 0.0 {
            true => Values::Range(0.5, 4.0),
            false => Values::usual(spec),
        };
        inputs.iter().map(of).collect()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        if self.base.is_some() {
            float(x)?;
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
        let pow = |exponent| Pow {
            exponent,
            base: None,
        };
        let of_base = Pow {
            exponent: 0.0,
            base: Some(10.0),
        };
        vec![
            OpCase::new("cube", pow(3.0), [&[3, 5]]),
            OpCase::new("square", pow(2.0), [&[3, 5]]),
            OpCase::new("root", pow(0.5), [&[3, 5]]).values(0, Values::Range(0.0, 4.0)),
            OpCase::new("of-base", of_base, [&[7]]),
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

/// Adds a [`Pow`] of a base.
///
/// # Errors
/// When the exponents are not floating-point.
pub fn pow_base(g: &mut GraphBuilder, base: f64, exponents: Value) -> Result<Value, BuildError> {
    let pow = Pow {
        exponent: 0.0,
        base: Some(base),
    };
    g.one(pow, &[exponents])
}
