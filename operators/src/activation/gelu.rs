//! `gelu`: the Gaussian error linear unit.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{float, one};

/// How the Gaussian distribution function is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GeluApproximate {
    /// With the error function.
    #[default]
    None,
    /// With a hyperbolic tangent.
    Tanh,
}

/// `gelu(x) = x Φ(x)`, Φ being the distribution function of the standard normal distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gelu {
    /// How Φ is computed.
    pub approximate: GeluApproximate,
}

impl Op for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
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

    /// Operations of `0.5 x (1 + erf(x / √2))`, or of the eight steps of the approximation.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let per_element = match self.approximate {
            GeluApproximate::None => 5,
            GeluApproximate::Tanh => 8,
        };
        Cost::elementwise(per_element, inputs, outputs)
    }
}

impl OpDef for Gelu {
    const NAMES: &'static [&'static str] = &["gelu"];

    fn cases() -> Vec<OpCase> {
        let case = |name, approximate| {
            OpCase::new(name, Gelu { approximate }, [&[3, 7]]).values(0, Values::Range(-5.0, 5.0))
        };
        vec![
            case("exact", GeluApproximate::None),
            case("tanh", GeluApproximate::Tanh),
        ]
    }
}

register_op!(Gelu);

/// Adds an exact [`Gelu`].
///
/// # Errors
/// When the input is not floating-point.
pub fn gelu(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    let approximate = GeluApproximate::None;
    g.one(Gelu { approximate }, &[x])
}
