//! Element-wise arithmetic of two operands: `add`, `sub`, `mul`, `div`, ...

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{elementwise, invalid, operands};
use crate::made::usual_but;

/// Which operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BinaryKind {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `b - a`.
    Rsub,
    /// `a b`.
    Mul,
    /// `a / b`, floating-point for integers too.
    Div,
    /// `⌊a / b⌋`; PyTorch calls it `div`, rounded to the floor.
    FloorDiv,
    /// The larger of both.
    Maximum,
    /// The smaller of both.
    Minimum,
}

/// An element-wise operation on two tensors that broadcast, or on a tensor and a number. Types are
/// promoted as in PyTorch; a whole number keeps integer tensors what they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binary {
    /// Which one.
    pub kind: BinaryKind,
    /// The second operand, if it is a number.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::scalar::option"
    )]
    pub scalar: Option<f64>,
    /// Whether the reference writes the result over the first input.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inplace: bool,
}

impl Op for Binary {
    fn name(&self) -> &'static str {
        match self.kind {
            BinaryKind::Add => "add",
            BinaryKind::Sub => "sub",
            BinaryKind::Rsub => "rsub",
            BinaryKind::Mul => "mul",
            BinaryKind::Div | BinaryKind::FloorDiv => "div",
            BinaryKind::Maximum => "maximum",
            BinaryKind::Minimum => "minimum",
        }
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        let traits = OpTraits::NONE.single_operation();
        match (self.kind, self.scalar) {
            (BinaryKind::FloorDiv | BinaryKind::Maximum | BinaryKind::Minimum, _) => {
                traits.non_linear()
            }
            (_, Some(_)) => traits.single_operand(),
            (_, None) => traits,
        }
    }

    fn storage(&self) -> Storage {
        Storage::in_place(self.inplace)
    }

    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        let divisor = match self.kind {
            BinaryKind::Div | BinaryKind::FloorDiv => Values::Range(1.0, 9.0),
            _ => return inputs.iter().map(Values::usual).collect(),
        };
        usual_but(inputs, 1, divisor)
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let (shape, dtype) = operands(inputs, self.scalar)?;
        let dtype = match self.kind {
            BinaryKind::Div if !dtype.is_float() => DType::F32,
            BinaryKind::Sub | BinaryKind::Rsub if inputs.iter().any(is_bool) => {
                return Err(invalid("does not take bool tensors"));
            }
            BinaryKind::Maximum | BinaryKind::Minimum if self.scalar.is_some() => {
                return Err(invalid("takes two tensors, not a number"));
            }
            _ => dtype,
        };
        elementwise(shape, dtype, inputs, self.inplace)
    }

    /// One operation per element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(1, inputs, outputs)
    }
}

fn is_bool(x: &TensorSpec) -> bool {
    x.dtype == DType::Bool
}

impl OpDef for Binary {
    const NAMES: &'static [&'static str] =
        &["add", "sub", "rsub", "mul", "div", "maximum", "minimum"];

    fn cases() -> Vec<OpCase> {
        let op = |kind, scalar| Binary {
            kind,
            scalar,
            inplace: false,
        };
        let kinds = [
            BinaryKind::Add,
            BinaryKind::Sub,
            BinaryKind::Mul,
            BinaryKind::Div,
            BinaryKind::Maximum,
            BinaryKind::Minimum,
        ];
        let int = |case: OpCase, index, shape: &[usize]| {
            case.input(index, DType::I64, shape, Values::Below(9))
        };
        let mut cases = Vec::new();
        for kind in kinds {
            cases.push(OpCase::new(
                "broadcast",
                op(kind, None),
                [&[2, 3, 4], &[3, 1]],
            ));
        }
        for (kind, scalar) in [
            (BinaryKind::Add, 1.0),
            (BinaryKind::Sub, 0.5),
            (BinaryKind::Rsub, 0.5),
            (BinaryKind::Mul, -0.125),
            (BinaryKind::Div, 3.0),
            (BinaryKind::FloorDiv, 0.5),
        ] {
            let name = if kind == BinaryKind::FloorDiv {
                "floor"
            } else {
                "scalar"
            };
            cases.push(OpCase::new(name, op(kind, Some(scalar)), [&[2, 5]]));
        }
        let inplace = Binary {
            inplace: true,
            ..op(BinaryKind::Add, None)
        };
        cases.push(OpCase::new("in-place", inplace, [&[2, 3], &[2, 3]]));
        let scalar = |kind| OpCase::new("integer-scalar", op(kind, Some(1.0)), [&[6]]);
        cases.push(int(scalar(BinaryKind::Add), 0, &[6]));
        cases.push(int(scalar(BinaryKind::Sub), 0, &[6]));
        let integers = OpCase::new("integers", op(BinaryKind::Mul, None), [&[2, 3], &[3]]);
        cases.push(int(int(integers, 0, &[2, 3]), 1, &[3]));
        let mixed = OpCase::new(
            "integer-and-float",
            op(BinaryKind::Mul, None),
            [&[2, 3], &[3]],
        );
        cases.push(int(mixed, 0, &[2, 3]));
        cases
    }
}

register_op!(Binary);

/// Adds a [`Binary`] of two tensors, not in place.
///
/// # Errors
/// When the shapes do not broadcast or the types do not fit.
pub fn binary(
    g: &mut GraphBuilder,
    kind: BinaryKind,
    a: Value,
    b: Value,
) -> Result<Value, BuildError> {
    let op = Binary {
        kind,
        scalar: None,
        inplace: false,
    };
    g.one(op, &[a, b])
}

/// Adds a [`Binary`] of a tensor and a number, not in place.
///
/// # Errors
/// When the type does not fit.
pub fn binary_scalar(
    g: &mut GraphBuilder,
    kind: BinaryKind,
    x: Value,
    scalar: f64,
) -> Result<Value, BuildError> {
    let op = Binary {
        kind,
        scalar: Some(scalar),
        inplace: false,
    };
    g.one(op, &[x])
}

/// `a + b`, written over `a`.
///
/// # Errors
/// When `b` does not broadcast to `a` or the types do not fit.
pub fn add_(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    let op = Binary {
        kind: BinaryKind::Add,
        scalar: None,
        inplace: true,
    };
    g.one(op, &[a, b])
}

/// `a + b`.
///
/// # Errors
/// When the shapes do not broadcast or the types do not fit.
pub fn add(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    binary(g, BinaryKind::Add, a, b)
}

/// `a - b`.
///
/// # Errors
/// When the shapes do not broadcast or the types do not fit.
pub fn sub(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    binary(g, BinaryKind::Sub, a, b)
}

/// `a b`.
///
/// # Errors
/// When the shapes do not broadcast or the types do not fit.
pub fn mul(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    binary(g, BinaryKind::Mul, a, b)
}

/// `a / b`.
///
/// # Errors
/// When the shapes do not broadcast or the types do not fit.
pub fn div(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    binary(g, BinaryKind::Div, a, b)
}

/// The larger of each pair.
///
/// # Errors
/// When the shapes do not broadcast or the types do not fit.
pub fn maximum(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    binary(g, BinaryKind::Maximum, a, b)
}

/// The smaller of each pair.
///
/// # Errors
/// When the shapes do not broadcast or the types do not fit.
pub fn minimum(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    binary(g, BinaryKind::Minimum, a, b)
}

/// `x + scalar`.
///
/// # Errors
/// When the type does not fit.
pub fn add_scalar(g: &mut GraphBuilder, x: Value, scalar: f64) -> Result<Value, BuildError> {
    binary_scalar(g, BinaryKind::Add, x, scalar)
}

/// `x - scalar`.
///
/// # Errors
/// When the type does not fit.
pub fn sub_scalar(g: &mut GraphBuilder, x: Value, scalar: f64) -> Result<Value, BuildError> {
    binary_scalar(g, BinaryKind::Sub, x, scalar)
}

/// `scalar - x`.
///
/// # Errors
/// When the type does not fit.
pub fn rsub_scalar(g: &mut GraphBuilder, x: Value, scalar: f64) -> Result<Value, BuildError> {
    binary_scalar(g, BinaryKind::Rsub, x, scalar)
}

/// `x scalar`.
///
/// # Errors
/// When the type does not fit.
pub fn mul_scalar(g: &mut GraphBuilder, x: Value, scalar: f64) -> Result<Value, BuildError> {
    binary_scalar(g, BinaryKind::Mul, x, scalar)
}

/// `x scalar`, written over `x`.
///
/// # Errors
/// When the type does not fit.
pub fn mul_scalar_(g: &mut GraphBuilder, x: Value, scalar: f64) -> Result<Value, BuildError> {
    let op = Binary {
        kind: BinaryKind::Mul,
        scalar: Some(scalar),
        inplace: true,
    };
    g.one(op, &[x])
}

/// `x / scalar`.
///
/// # Errors
/// When the type does not fit.
pub fn div_scalar(g: &mut GraphBuilder, x: Value, scalar: f64) -> Result<Value, BuildError> {
    binary_scalar(g, BinaryKind::Div, x, scalar)
}
