//! `batch_norm` with running statistics, folded into one scale and one shift for each channel.

use candle_core::{DType, Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::BatchNorm;

use super::scale_shift::scale_shift;
use crate::engine::Candle;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for BatchNorm {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, weight, bias, mean, variance] = inputs else {
            anyhow::bail!("batch_norm takes 5 inputs, got {}", inputs.len());
        };
        let wide = |parameter: &Tensor| match parameter.dtype() {
            DType::F16 | DType::BF16 => parameter.to_dtype(DType::F32),
            _ => Ok(parameter.clone()),
        };
        let scale = scale(&wide(weight)?, &wide(variance)?, self.eps)?;
        let shift = wide(bias)?.sub(&wide(mean)?.mul(&scale)?)?;
        one(scale_shift(x, &scale, &shift))
    }
}

register_kernel!(BatchNorm);

/// `weight / √(variance + eps)`.
fn scale(weight: &Tensor, variance: &Tensor, eps: f64) -> Result<Tensor> {
    weight.div(&variance.affine(1.0, eps)?.sqrt()?)
}
