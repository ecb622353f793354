//! `add`, `sub`, `mul`, ..., `clamp`, `pow`.

use anyhow::bail;
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Binary, BinaryKind, Clamp, Pow};

use crate::engine::{Tensor, Torch};
use crate::kernels::missing::{self, Arithmetic};
use crate::kernels::{shim, single, wrong_inputs};
use crate::register_kernel;

impl Eval<Torch> for Binary {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        match (inputs, self.scalar) {
            (&[x], Some(value)) => shim(number(self, x, value)),
            (&[a, b], None) if self.inplace => inplace(self.kind, a, b),
            (&[a, b], None) => single(match self.kind {
                BinaryKind::Add => a.f_add(b),
                BinaryKind::Sub => a.f_sub(b),
                BinaryKind::Rsub => a.f_rsub(b),
                BinaryKind::Mul => a.f_mul(b),
                BinaryKind::Div => a.f_div(b),
                BinaryKind::FloorDiv => a.f_div_tensor_mode(b, "floor"),
                BinaryKind::Maximum => a.f_maximum(b),
                BinaryKind::Minimum => a.f_minimum(b),
            }),
            _ => wrong_inputs("two tensors, or a tensor and a number", inputs),
        }
    }
}

register_kernel!(Binary);

fn number(op: &Binary, x: &Tensor, value: f64) -> anyhow::Result<tch::Tensor> {
    let kind = match op.kind {
        BinaryKind::Add => Arithmetic::Add,
        BinaryKind::Sub => Arithmetic::Sub,
        BinaryKind::Rsub => Arithmetic::Rsub,
        BinaryKind::Mul => Arithmetic::Mul,
        BinaryKind::Div => Arithmetic::Div,
        BinaryKind::FloorDiv => Arithmetic::FloorDiv,
        BinaryKind::Maximum | BinaryKind::Minimum => bail!("takes two tensors, not a number"),
    };
    missing::binary(kind, x, value, op.inplace)
}

fn inplace(kind: BinaryKind, a: &Tensor, b: &Tensor) -> anyhow::Result<Outputs<Tensor>> {
    let mut a = a.shallow_clone();
    single(match kind {
        BinaryKind::Add => a.f_add_(b),
        BinaryKind::Sub => a.f_sub_(b),
        BinaryKind::Mul => a.f_mul_(b),
        BinaryKind::Div => a.f_div_(b),
        BinaryKind::Rsub | BinaryKind::FloorDiv | BinaryKind::Maximum | BinaryKind::Minimum => {
            bail!("libtorch does not compute it in place")
        }
    })
}

impl Eval<Torch> for Clamp {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        shim(missing::clamp(
            inputs[0],
            self.min.as_ref(),
            self.max.as_ref(),
        ))
    }
}

register_kernel!(Clamp);

impl Eval<Torch> for Pow {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        match self.base {
            Some(base) => shim(missing::pow_base(base, inputs[0])),
            None => shim(missing::pow(inputs[0], self.exponent)),
        }
    }
}

register_kernel!(Pow);
