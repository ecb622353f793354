//! Comparisons and logic.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Compare, CompareKind, Logical, LogicalKind};

use crate::engine::{Tensor, Torch};
use crate::kernels::missing::{self, Comparison};
use crate::kernels::{shim, single, wrong_inputs};
use crate::register_kernel;

impl Eval<Torch> for Compare {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        match (inputs, self.scalar) {
            (&[x], Some(value)) => {
                let kind = match self.kind {
                    CompareKind::Eq => Comparison::Eq,
                    CompareKind::Ne => Comparison::Ne,
                    CompareKind::Lt => Comparison::Lt,
                    CompareKind::Le => Comparison::Le,
                    CompareKind::Gt => Comparison::Gt,
                    CompareKind::Greater => Comparison::Greater,
                    CompareKind::Ge => Comparison::Ge,
                };
                shim(missing::compare(kind, x, value))
            }
            (&[a, b], None) => single(match self.kind {
                CompareKind::Eq => a.f_eq_tensor(b),
                CompareKind::Ne => a.f_ne_tensor(b),
                CompareKind::Lt => a.f_lt_tensor(b),
                CompareKind::Le => a.f_le_tensor(b),
                CompareKind::Gt => a.f_gt_tensor(b),
                CompareKind::Greater => a.f_greater_tensor(b),
                CompareKind::Ge => a.f_ge_tensor(b),
            }),
            _ => wrong_inputs("two tensors, or a tensor and a number", inputs),
        }
    }
}

register_kernel!(Compare);

impl Eval<Torch> for Logical {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(match (self.kind, inputs) {
            (LogicalKind::And, &[a, b]) => return shim(missing::bits(true, a, b)),
            (LogicalKind::Or, &[a, b]) => return shim(missing::bits(false, a, b)),
            (LogicalKind::Not, &[x]) => x.f_bitwise_not(),
            (LogicalKind::LogicalAnd, &[a, b]) => a.f_logical_and(b),
            (LogicalKind::LogicalOr, &[a, b]) => a.f_logical_or(b),
            (LogicalKind::LogicalNot, &[x]) => x.f_logical_not(),
            _ => return wrong_inputs("one tensor, or two", inputs),
        })
    }
}

register_kernel!(Logical);
