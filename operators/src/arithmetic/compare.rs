//! Element-wise comparisons: `eq`, `ne`, `lt`, `le`, `gt`, `greater`, `ge`.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{one, operands};

/// Which comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareKind {
    /// `a = b`.
    Eq,
    /// `a ≠ b`.
    Ne,
    /// `a < b`.
    Lt,
    /// `a ≤ b`.
    Le,
    /// `a > b`.
    Gt,
    /// `a > b`, called by its long name.
    Greater,
    /// `a ≥ b`.
    Ge,
}

/// A comparison of two tensors that broadcast, or of a tensor with a number; the result is bool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compare {
    /// Which one.
    pub kind: CompareKind,
    /// The second operand, if it is a number.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::scalar::option"
    )]
    pub scalar: Option<f64>,
}

impl Op for Compare {
    fn name(&self) -> &'static str {
        match self.kind {
            CompareKind::Eq => "eq",
            CompareKind::Ne => "ne",
            CompareKind::Lt => "lt",
            CompareKind::Le => "le",
            CompareKind::Gt => "gt",
            CompareKind::Greater => "greater",
            CompareKind::Ge => "ge",
        }
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        let traits = OpTraits::NONE.single_operation().non_linear();
        match self.scalar {
            Some(_) => traits.single_operand(),
            None => traits,
        }
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let (shape, _) = operands(inputs, self.scalar)?;
        one(DType::Bool, shape)
    }

    /// One operation per element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(1, inputs, outputs)
    }
}

impl OpDef for Compare {
    const NAMES: &'static [&'static str] = &["eq", "ne", "lt", "le", "gt", "greater", "ge"];

    fn cases() -> Vec<OpCase> {
        let kinds = [
            CompareKind::Eq,
            CompareKind::Ne,
            CompareKind::Lt,
            CompareKind::Le,
            CompareKind::Gt,
            CompareKind::Ge,
        ];
        let few = Values::Below(4);
        let pair = |kind| {
            OpCase::new(
                "broadcast",
                Compare { kind, scalar: None },
                [&[1, 5], &[4, 1]],
            )
            .input(0, DType::I64, &[1, 5], few)
            .input(1, DType::I64, &[4, 1], few)
        };
        let number = |kind| {
            let scalar = Some(2.0);
            OpCase::new("scalar", Compare { kind, scalar }, [&[8]]).input(0, DType::I64, &[8], few)
        };
        let float = |kind| {
            let scalar = Some(0.25);
            OpCase::new("float", Compare { kind, scalar }, [&[2, 5]])
        };
        kinds
            .into_iter()
            .flat_map(|kind| [pair(kind), number(kind)])
            .chain([float(CompareKind::Lt), float(CompareKind::Gt)])
            .chain([number(CompareKind::Greater)])
            .collect()
    }
}

register_op!(Compare);

/// Adds a [`Compare`] of two tensors.
///
/// # Errors
/// When the shapes do not broadcast.
pub fn compare(
    g: &mut GraphBuilder,
    kind: CompareKind,
    a: Value,
    b: Value,
) -> Result<Value, BuildError> {
    g.one(Compare { kind, scalar: None }, &[a, b])
}

/// Adds a [`Compare`] of a tensor with a number.
///
/// # Errors
/// Never for a single tensor.
pub fn compare_scalar(
    g: &mut GraphBuilder,
    kind: CompareKind,
    x: Value,
    scalar: f64,
) -> Result<Value, BuildError> {
    let scalar = Some(scalar);
    g.one(Compare { kind, scalar }, &[x])
}

/// `a = b`.
///
/// # Errors
/// When the shapes do not broadcast.
pub fn eq(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    compare(g, CompareKind::Eq, a, b)
}

/// `a ≠ b`.
///
/// # Errors
/// When the shapes do not broadcast.
pub fn ne(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    compare(g, CompareKind::Ne, a, b)
}

/// `a < b`.
///
/// # Errors
/// When the shapes do not broadcast.
pub fn lt(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    compare(g, CompareKind::Lt, a, b)
}

/// `a ≤ b`.
///
/// # Errors
/// When the shapes do not broadcast.
pub fn le(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    compare(g, CompareKind::Le, a, b)
}

/// `a > b`.
///
/// # Errors
/// When the shapes do not broadcast.
pub fn gt(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    compare(g, CompareKind::Gt, a, b)
}

/// `a ≥ b`.
///
/// # Errors
/// When the shapes do not broadcast.
pub fn ge(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    compare(g, CompareKind::Ge, a, b)
}
