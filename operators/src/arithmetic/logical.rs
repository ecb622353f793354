//! Logic: `__and__`, `__or__`, `bitwise_not` and their `logical_` forms.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one, operands};

/// Which operation. The operators `&` and `|` appear in PyTorch under the names of Python's methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogicalKind {
    /// Bitwise and; for bool tensors logical.
    #[serde(rename = "__and__")]
    And,
    /// Bitwise or; for bool tensors logical.
    #[serde(rename = "__or__")]
    Or,
    /// Bitwise not; for bool tensors logical.
    #[serde(rename = "bitwise_not")]
    Not,
    /// Whether both are not zero.
    #[serde(rename = "logical_and")]
    LogicalAnd,
    /// Whether either is not zero.
    #[serde(rename = "logical_or")]
    LogicalOr,
    /// Whether it is zero.
    #[serde(rename = "logical_not")]
    LogicalNot,
}

/// A logical operation on one or two tensors of bool or integers. The `logical_` forms take any
/// type and return bool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logical {
    /// Which one.
    pub kind: LogicalKind,
}

impl Op for Logical {
    fn name(&self) -> &'static str {
        match self.kind {
            LogicalKind::And => "__and__",
            LogicalKind::Or => "__or__",
            LogicalKind::Not => "bitwise_not",
            LogicalKind::LogicalAnd => "logical_and",
            LogicalKind::LogicalOr => "logical_or",
            LogicalKind::LogicalNot => "logical_not",
        }
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        let traits = OpTraits::NONE.single_operation().non_linear();
        match self.kind {
            LogicalKind::Not | LogicalKind::LogicalNot => traits.single_operand(),
            _ => traits,
        }
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let (shape, dtype) = match self.kind {
            LogicalKind::Not | LogicalKind::LogicalNot => {
                let [x] = ShapeError::arity(inputs)?;
                (x.shape.clone(), x.dtype)
            }
            _ => operands(inputs, None)?,
        };
        match self.kind {
            LogicalKind::And | LogicalKind::Or | LogicalKind::Not => {
                ensure(!dtype.is_float(), || {
                    "takes bool or integer tensors".to_owned()
                })?;
                one(dtype, shape)
            }
            _ => one(DType::Bool, shape),
        }
    }

    /// One operation per element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(1, inputs, outputs)
    }
}

impl OpDef for Logical {
    const NAMES: &'static [&'static str] = &[
        "__and__",
        "__or__",
        "bitwise_not",
        "logical_and",
        "logical_or",
        "logical_not",
    ];

    fn cases() -> Vec<OpCase> {
        let bits = Values::Below(2);
        let pair = |name, kind, left: &[usize]| {
            OpCase::new(name, Logical { kind }, [left, &[3, 1]])
                .input(0, DType::Bool, left, bits)
                .input(1, DType::Bool, &[3, 1], bits)
        };
        let single = |kind| {
            OpCase::new("plain", Logical { kind }, [&[2, 4]]).input(0, DType::Bool, &[2, 4], bits)
        };
        vec![
            pair("broadcast", LogicalKind::And, &[1, 5]),
            pair("broadcast", LogicalKind::Or, &[1, 5]),
            pair("broadcast", LogicalKind::LogicalAnd, &[1, 5]),
            pair("broadcast", LogicalKind::LogicalOr, &[1, 5]),
            single(LogicalKind::Not),
            single(LogicalKind::LogicalNot),
            pair("scalar-tensor", LogicalKind::And, &[]),
        ]
    }
}

register_op!(Logical);

/// `a & b`.
///
/// # Errors
/// When the shapes do not broadcast or the types are floating-point.
pub fn and(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    g.one(
        Logical {
            kind: LogicalKind::And,
        },
        &[a, b],
    )
}

/// `a | b`.
///
/// # Errors
/// When the shapes do not broadcast or the types are floating-point.
pub fn or(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    g.one(
        Logical {
            kind: LogicalKind::Or,
        },
        &[a, b],
    )
}

/// `~x`.
///
/// # Errors
/// When the type is floating-point.
pub fn not(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    g.one(
        Logical {
            kind: LogicalKind::Not,
        },
        &[x],
    )
}
