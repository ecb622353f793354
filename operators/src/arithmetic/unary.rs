//! Element-wise functions of one operand: `neg`, `exp`, `rsqrt`, `sin`, ...

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{elementwise, invalid};

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnaryKind {
    /// `-x`.
    Neg,
    /// `|x|`.
    Abs,
    /// Rounded down.
    Floor,
    /// Rounded up.
    Ceil,
    /// `e` to the power `x`.
    Exp,
    /// Natural logarithm.
    Log,
    /// Logarithm to base 2.
    Log2,
    /// Square root.
    Sqrt,
    /// `1 / √x`.
    Rsqrt,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// `1 / x`.
    Reciprocal,
    /// Error function.
    Erf,
}

impl UnaryKind {
    /// Whether integers stay integers; otherwise they become `f32`.
    fn keeps_integers(self) -> bool {
        matches!(
            self,
            UnaryKind::Neg | UnaryKind::Abs | UnaryKind::Floor | UnaryKind::Ceil
        )
    }
}

/// An element-wise function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unary {
    /// Which one.
    pub kind: UnaryKind,
    /// Whether the reference writes the result over the first input.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inplace: bool,
}

impl Op for Unary {
    fn name(&self) -> &'static str {
        match self.kind {
            UnaryKind::Neg => "neg",
            UnaryKind::Abs => "abs",
            UnaryKind::Floor => "floor",
            UnaryKind::Ceil => "ceil",
            UnaryKind::Exp => "exp",
            UnaryKind::Log => "log",
            UnaryKind::Log2 => "log2",
            UnaryKind::Sqrt => "sqrt",
            UnaryKind::Rsqrt => "rsqrt",
            UnaryKind::Sin => "sin",
            UnaryKind::Cos => "cos",
            UnaryKind::Reciprocal => "reciprocal",
            UnaryKind::Erf => "erf",
        }
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        let traits = OpTraits::NONE.single_operation().single_operand();
        match self.kind {
            UnaryKind::Neg => traits,
            _ => traits.non_linear(),
        }
    }

    fn storage(&self) -> Storage {
        Storage::in_place(self.inplace)
    }

    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        let of = |spec: &TensorSpec| match self.kind {
            UnaryKind::Log
            | UnaryKind::Log2
            | UnaryKind::Sqrt
            | UnaryKind::Rsqrt
            | UnaryKind::Reciprocal => Values::Range(0.5, 9.0),
            _ => Values::usual(spec),
        };
        inputs.iter().map(of).collect()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        let dtype = match (self.kind.keeps_integers(), x.dtype) {
            (true, DType::Bool) => return Err(invalid("does not take bool tensors")),
            (false, dtype) if !dtype.is_float() => DType::F32,
            (_, dtype) => dtype,
        };
        elementwise(x.shape.clone(), dtype, inputs, self.inplace)
    }

    /// One operation per element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(1, inputs, outputs)
    }
}

impl OpDef for Unary {
    const NAMES: &'static [&'static str] = &[
        "neg",
        "abs",
        "floor",
        "ceil",
        "exp",
        "log",
        "log2",
        "sqrt",
        "rsqrt",
        "sin",
        "cos",
        "reciprocal",
        "erf",
    ];

    fn cases() -> Vec<OpCase> {
        let case = |kind, low, high| {
            let inplace = false;
            OpCase::new("plain", Unary { kind, inplace }, [&[3, 5]])
                .values(0, Values::Range(low, high))
        };
        let negated = Unary {
            kind: UnaryKind::Neg,
            inplace: false,
        };
        vec![
            case(UnaryKind::Neg, -2.0, 2.0),
            case(UnaryKind::Abs, -2.0, 2.0),
            case(UnaryKind::Floor, -3.0, 3.0).jumps(),
            case(UnaryKind::Ceil, -3.0, 3.0).jumps(),
            case(UnaryKind::Exp, -2.0, 2.0),
            case(UnaryKind::Log, 0.1, 9.0),
            case(UnaryKind::Log2, 0.1, 9.0),
            case(UnaryKind::Sqrt, 0.0, 9.0),
            case(UnaryKind::Rsqrt, 0.1, 9.0),
            case(UnaryKind::Sin, -7.0, 7.0),
            case(UnaryKind::Cos, -7.0, 7.0),
            case(UnaryKind::Reciprocal, 0.1, 3.0),
            case(UnaryKind::Erf, -3.0, 3.0),
            OpCase::new("integers", negated, [&[5]]).input(0, DType::I64, &[5], Values::Below(9)),
        ]
    }
}

register_op!(Unary);

/// Adds a [`Unary`] of any kind, not in place.
///
/// # Errors
/// When the type does not fit.
pub fn unary(g: &mut GraphBuilder, kind: UnaryKind, x: Value) -> Result<Value, BuildError> {
    let inplace = false;
    g.one(Unary { kind, inplace }, &[x])
}

/// `-x`.
///
/// # Errors
/// When the type does not fit.
pub fn neg(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    unary(g, UnaryKind::Neg, x)
}

/// `|x|`.
///
/// # Errors
/// When the type does not fit.
pub fn abs(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    unary(g, UnaryKind::Abs, x)
}

/// Rounded down.
///
/// # Errors
/// When the type does not fit.
pub fn floor(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    unary(g, UnaryKind::Floor, x)
}

/// Rounded up.
///
/// # Errors
/// When the type does not fit.
pub fn ceil(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    unary(g, UnaryKind::Ceil, x)
}

/// `e` to the power `x`.
///
/// # Errors
/// When the type does not fit.
pub fn exp(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    unary(g, UnaryKind::Exp, x)
}

/// Natural logarithm.
///
/// # Errors
/// When the type does not fit.
pub fn log(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    unary(g, UnaryKind::Log, x)
}

/// Logarithm to base 2.
///
/// # Errors
/// When the type does not fit.
pub fn log2(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    unary(g, UnaryKind::Log2, x)
}

/// Square root.
///
/// # Errors
/// When the type does not fit.
pub fn sqrt(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    unary(g, UnaryKind::Sqrt, x)
}

/// `1 / √x`.
///
/// # Errors
/// When the type does not fit.
pub fn rsqrt(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    unary(g, UnaryKind::Rsqrt, x)
}

/// Sine.
///
/// # Errors
/// When the type does not fit.
pub fn sin(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    unary(g, UnaryKind::Sin, x)
}

/// Cosine.
///
/// # Errors
/// When the type does not fit.
pub fn cos(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    unary(g, UnaryKind::Cos, x)
}

/// `1 / x`.
///
/// # Errors
/// When the type does not fit.
pub fn reciprocal(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    unary(g, UnaryKind::Reciprocal, x)
}

/// Error function.
///
/// # Errors
/// When the type does not fit.
pub fn erf(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    unary(g, UnaryKind::Erf, x)
}
