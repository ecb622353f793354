//! Element-wise functions of one operand.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Unary, UnaryKind};

use crate::engine::{Tensor, Torch};
use crate::kernels::single;
use crate::register_kernel;

impl Eval<Torch> for Unary {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        if self.inplace {
            let mut x = inputs[0].shallow_clone();
            return single(match self.kind {
                UnaryKind::Neg => x.f_neg_(),
                UnaryKind::Abs => x.f_abs_(),
                UnaryKind::Floor => x.f_floor_(),
                UnaryKind::Ceil => x.f_ceil_(),
                UnaryKind::Exp => x.f_exp_(),
                UnaryKind::Log => x.f_log_(),
                UnaryKind::Log2 => x.f_log2_(),
                UnaryKind::Sqrt => x.f_sqrt_(),
                UnaryKind::Rsqrt => x.f_rsqrt_(),
                UnaryKind::Sin => x.f_sin_(),
                UnaryKind::Cos => x.f_cos_(),
                UnaryKind::Reciprocal => x.f_reciprocal_(),
                UnaryKind::Erf => x.f_erf_(),
            });
        }
        let x = inputs[0];
        single(match self.kind {
            UnaryKind::Neg => x.f_neg(),
            UnaryKind::Abs => x.f_abs(),
            UnaryKind::Floor => x.f_floor(),
            UnaryKind::Ceil => x.f_ceil(),
            UnaryKind::Exp => x.f_exp(),
            UnaryKind::Log => x.f_log(),
            UnaryKind::Log2 => x.f_log2(),
            UnaryKind::Sqrt => x.f_sqrt(),
            UnaryKind::Rsqrt => x.f_rsqrt(),
            UnaryKind::Sin => x.f_sin(),
            UnaryKind::Cos => x.f_cos(),
            UnaryKind::Reciprocal => x.f_reciprocal(),
            UnaryKind::Erf => x.f_erf(),
        })
    }
}

register_kernel!(Unary);
