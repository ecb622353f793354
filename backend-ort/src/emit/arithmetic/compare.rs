//! Comparisons and logic.

use nongemm_core::dtype::DType;
use nongemm_core::shape::TensorSpec;
use nongemm_operators::{Compare, CompareKind, Logical, LogicalKind, promote, promote_scalar};

use crate::emit::convert::arithmetic;
use crate::emit::{Emit, Emitter, Tensor};
use crate::register_emit;

/// A node whose output is bool.
pub(super) fn test(
    e: &mut Emitter,
    op_type: &str,
    a: &Tensor,
    b: &Tensor,
) -> anyhow::Result<Tensor> {
    let shape = a.shape().broadcast(b.shape())?;
    let call = e.call(op_type, &[a, b]);
    Ok(call.one(TensorSpec::new(DType::Bool, shape)))
}

impl Emit for Compare {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let a = &inputs[0];
        let common = match self.scalar {
            Some(scalar) => promote_scalar(a.dtype(), scalar),
            None => promote(a.spec(), inputs[1].spec())?,
        };
        let stored = arithmetic(common);
        let a = e.cast(a, stored);
        let b = match self.scalar {
            Some(scalar) => e.number(scalar, stored)?,
            None => e.cast(&inputs[1], stored),
        };
        let op_type = match self.kind {
            CompareKind::Eq | CompareKind::Ne => "Equal",
            CompareKind::Lt => "Less",
            CompareKind::Le => "LessOrEqual",
            CompareKind::Gt | CompareKind::Greater => "Greater",
            CompareKind::Ge => "GreaterOrEqual",
        };
        let result = test(e, op_type, &a, &b)?;
        Ok(vec![match self.kind {
            CompareKind::Ne => e.map("Not", &result),
            _ => result,
        }])
    }
}

register_emit!(Compare);

impl Emit for Logical {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let dtype = e.output(0).dtype;
        let operands: Vec<Tensor> = inputs.iter().map(|x| e.cast(x, dtype)).collect();
        let bits = dtype != DType::Bool;
        let op_type = match self.kind {
            LogicalKind::And if bits => "BitwiseAnd",
            LogicalKind::Or if bits => "BitwiseOr",
            LogicalKind::Not if bits => "BitwiseNot",
            LogicalKind::And | LogicalKind::LogicalAnd => "And",
            LogicalKind::Or | LogicalKind::LogicalOr => "Or",
            LogicalKind::Not | LogicalKind::LogicalNot => "Not",
        };
        Ok(vec![match &operands[..] {
            [x] => e.map(op_type, x),
            [a, b] => e.zip(op_type, a, b)?,
            _ => anyhow::bail!("takes 1 or 2 inputs, got {}", operands.len()),
        }])
    }
}

register_emit!(Logical);
