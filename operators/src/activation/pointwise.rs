//! Activations without attributes: `relu`, `silu`, `sigmoid`, `tanh`, ...

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{float, one};

/// Which activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationKind {
    /// `max(x, 0)`.
    Relu,
    /// `x sigmoid(x)`.
    Silu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `x min(max(x + 3, 0), 6) / 6`.
    Hardswish,
    /// `min(max(x + 3, 0), 6) / 6`.
    Hardsigmoid,
}

/// An element-wise activation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// Which one.
    pub kind: ActivationKind,
    /// Whether the reference writes the result over the input (`relu_`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inplace: bool,
}

impl Op for Activation {
    fn name(&self) -> &'static str {
        match self.kind {
            ActivationKind::Relu => "relu",
            ActivationKind::Silu => "silu",
            ActivationKind::Sigmoid => "sigmoid",
            ActivationKind::Tanh => "tanh",
            ActivationKind::Hardswish => "hardswish",
            ActivationKind::Hardsigmoid => "hardsigmoid",
        }
    }

    fn group(&self) -> OpGroup {
        OpGroup::Activation
    }

    fn traits(&self) -> OpTraits {
        let traits = OpTraits::NONE.single_operand().non_linear();
        match self.kind {
            ActivationKind::Relu | ActivationKind::Tanh => traits.single_operation(),
            _ => traits,
        }
    }

    fn storage(&self) -> Storage {
        Storage::in_place(self.inplace)
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        float(x)?;
        one(x.dtype, x.shape.clone())
    }

    /// Operations of the defining formula, a function such as `exp` counted as one.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let per_element = match self.kind {
            ActivationKind::Relu | ActivationKind::Tanh => 1,
            ActivationKind::Sigmoid | ActivationKind::Hardsigmoid => 4,
            ActivationKind::Silu | ActivationKind::Hardswish => 5,
        };
        Cost::elementwise(per_element, inputs, outputs)
    }
}

impl OpDef for Activation {
    const NAMES: &'static [&'static str] = &[
        "relu",
        "silu",
        "sigmoid",
        "tanh",
        "hardswish",
        "hardsigmoid",
    ];

    fn cases() -> Vec<OpCase> {
        let case = |name, kind, inplace| {
            OpCase::new(name, Activation { kind, inplace }, [&[3, 7]])
                .values(0, Values::Range(-5.0, 5.0))
        };
        vec![
            case("plain", ActivationKind::Relu, false),
            case("in-place", ActivationKind::Relu, true),
            case("plain", ActivationKind::Silu, false),
            case("plain", ActivationKind::Sigmoid, false),
            case("plain", ActivationKind::Tanh, false),
            case("plain", ActivationKind::Hardswish, false),
            case("plain", ActivationKind::Hardsigmoid, false),
        ]
    }
}

register_op!(Activation);

/// Adds an [`Activation`] of any kind, not in place.
///
/// # Errors
/// When the input is not floating-point.
pub fn activation(
    g: &mut GraphBuilder,
    kind: ActivationKind,
    x: Value,
) -> Result<Value, BuildError> {
    let inplace = false;
    g.one(Activation { kind, inplace }, &[x])
}

/// `max(x, 0)`.
///
/// # Errors
/// When the input is not floating-point.
pub fn relu(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    activation(g, ActivationKind::Relu, x)
}

/// `max(x, 0)`, written over `x`.
///
/// # Errors
/// When the input is not floating-point.
pub fn relu_(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    let (kind, inplace) = (ActivationKind::Relu, true);
    g.one(Activation { kind, inplace }, &[x])
}

/// `x sigmoid(x)`.
///
/// # Errors
/// When the input is not floating-point.
pub fn silu(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    activation(g, ActivationKind::Silu, x)
}

/// `1 / (1 + exp(-x))`.
///
/// # Errors
/// When the input is not floating-point.
pub fn sigmoid(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    activation(g, ActivationKind::Sigmoid, x)
}

/// Hyperbolic tangent.
///
/// # Errors
/// When the input is not floating-point.
pub fn tanh(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    activation(g, ActivationKind::Tanh, x)
}
