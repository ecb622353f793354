//! `neg`, `exp`, `rsqrt`, ..., `pow`.

use candle_core::{Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::{Pow, Unary, UnaryKind};

use crate::engine::Candle;
use crate::host;
use crate::kernels::{no_bytes, one};
use crate::promote::{cast, float, with_scalar};
use crate::register_kernel;

/// candle has most of these functions for floating-point tensors only, and panics for others.
impl Eval<Candle> for Unary {
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        no_bytes(inputs)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0];
        let whole = !x.dtype().is_float();
        one(match self.kind {
            UnaryKind::Neg if whole => x.affine(-1.0, 0.0),
            UnaryKind::Neg => x.neg(),
            UnaryKind::Abs => x.abs(),
            UnaryKind::Floor | UnaryKind::Ceil if whole => Ok(x.clone()),
            UnaryKind::Floor => x.floor(),
            UnaryKind::Ceil => x.ceil(),
            UnaryKind::Exp => float(x)?.exp(),
            UnaryKind::Log => float(x)?.log(),
            UnaryKind::Log2 => host::log2(&*float(x)?),
            UnaryKind::Sqrt => float(x)?.sqrt(),
            UnaryKind::Rsqrt => float(x)?.sqrt().and_then(|root| root.recip()),
            UnaryKind::Sin => float(x)?.sin(),
            UnaryKind::Cos => float(x)?.cos(),
            UnaryKind::Reciprocal => float(x)?.recip(),
            UnaryKind::Erf => float(x)?.erf(),
        })
    }
}

register_kernel!(Unary);

impl Eval<Candle> for Pow {
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        no_bytes(inputs)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        if let Some(base) = self.base {
            return one(inputs[0].affine(base.ln(), 0.0).and_then(|x| x.exp()));
        }
        let x = cast(inputs[0], with_scalar(inputs[0].dtype(), self.exponent))?;
        one(power(&x, self.exponent))
    }
}

register_kernel!(Pow);

/// Small whole powers are products, as in PyTorch; candle's general power is far slower.
fn power(x: &Tensor, exponent: f64) -> Result<Tensor> {
    if exponent == 2.0 {
        return x.mul(x);
    }
    if exponent == 3.0 {
        return x.mul(x)?.mul(x);
    }
    if !x.dtype().is_float() {
        let wide = x.to_dtype(candle_core::DType::F64)?;
        return wide.powf(exponent)?.to_dtype(x.dtype());
    }
    if exponent == 0.5 {
        return x.sqrt();
    }
    x.powf(exponent)
}
