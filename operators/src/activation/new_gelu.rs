//! `new_gelu`: GPT-2's GELU, which its reference implementation writes out in eight calls.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Eager, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::activation::tanh;
use crate::arithmetic::{add, add_scalar, mul, mul_scalar, pow};
use crate::check::{float, one};

/// `new_gelu(x) = 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`, as Hugging Face's
/// `NewGELUActivation`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewGelu {}

impl Op for NewGelu {
    fn name(&self) -> &'static str {
        "new_gelu"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Activation
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        float(x)?;
        one(x.dtype, x.shape.clone())
    }

    /// The eight steps of the formula.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(8, inputs, outputs)
    }

    fn eager(&self) -> Eager {
        Eager::Module
    }

    fn decompose(
        &self,
        g: &mut GraphBuilder,
        inputs: &[Value],
    ) -> Option<Result<Vec<Value>, BuildError>> {
        let &[x] = inputs else { return None };
        Some(parts(g, x).map(|value| vec![value]))
    }
}

/// The calls of the reference, in its order.
fn parts(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    let half = mul_scalar(g, x, 0.5)?;
    let cube = pow(g, x, 3.0)?;
    let small = mul_scalar(g, cube, 0.044715)?;
    let sum = add(g, x, small)?;
    let scaled = mul_scalar(g, sum, (2.0 / std::f64::consts::PI).sqrt())?;
    let tanh = tanh(g, scaled)?;
    let shifted = add_scalar(g, tanh, 1.0)?;
    mul(g, half, shifted)
}

impl OpDef for NewGelu {
    const NAMES: &'static [&'static str] = &["new_gelu"];

    fn cases() -> Vec<OpCase> {
        vec![OpCase::new("plain", NewGelu {}, [&[3, 7]]).values(0, Values::Range(-5.0, 5.0))]
    }
}

register_op!(NewGelu);

/// Adds a [`NewGelu`].
///
/// # Errors
/// When the input is not floating-point.
pub fn new_gelu(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    g.one(NewGelu {}, &[x])
}
