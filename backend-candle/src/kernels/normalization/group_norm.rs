//! `group_norm`: a layer normalization of each group, then a scale and a shift for each channel.

use candle_core::Tensor;
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::GroupNorm;

use super::layer_norm::normalize;
use super::scale_shift::scale_shift;
use crate::engine::Candle;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for GroupNorm {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, weight, bias] = inputs else {
            anyhow::bail!("group_norm takes 3 inputs, got {}", inputs.len());
        };
        let size = x.elem_count() / (x.dim(0)? * self.num_groups).max(1);
        let ones = Tensor::ones(size, x.dtype(), x.device())?;
        let groups = x.contiguous()?.reshape(((), size))?;
        let normalized = normalize(&groups, &ones, &ones.zeros_like()?, self.eps)?;
        one(scale_shift(&normalized.reshape(x.shape())?, weight, bias))
    }
}

register_kernel!(GroupNorm);
