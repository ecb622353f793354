//! `frozen_batch_norm`, fused.

use candle_core::Tensor;
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::FrozenBatchNorm;

use super::scale_shift::scale_shift;
use crate::engine::Candle;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for FrozenBatchNorm {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, weight, bias, mean, var] = inputs else {
            anyhow::bail!("takes 5 inputs, got {}", inputs.len());
        };
        let scale = (weight / (var + self.eps)?.sqrt()?)?;
        let shift = (bias - (mean * &scale)?)?;
        one(scale_shift(x, &scale, &shift))
    }
}

register_kernel!(FrozenBatchNorm);
