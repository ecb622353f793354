//! Normalizations. cuDNN may be used, as it may in Python.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{BatchNorm, FrozenBatchNorm, GroupNorm, LayerNorm, RmsNorm};

use super::{optional, single, sizes, wrong_inputs};
use crate::engine::{Tensor, Torch};
use crate::ffi::said;
use crate::register_kernel;

const CUDNN: bool = true;
/// `BatchNorm2d`'s default; without training it has no effect.
const MOMENTUM: f64 = 0.1;

impl Eval<Torch> for LayerNorm {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (weight, bias) = (optional(inputs, 1), optional(inputs, 2));
        let shape = sizes(&self.normalized_shape);
        single(inputs[0].f_layer_norm(&shape[..], weight, bias, self.eps, CUDNN))
    }
}

register_kernel!(LayerNorm);

impl Eval<Torch> for BatchNorm {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        batch_norm(inputs, self.eps)
    }
}

register_kernel!(BatchNorm);

/// The same function: the reference's eager code writes it out, fused it is this one call.
impl Eval<Torch> for FrozenBatchNorm {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        batch_norm(inputs, self.eps)
    }
}

register_kernel!(FrozenBatchNorm);

/// With given statistics.
fn batch_norm(inputs: &[&Tensor], eps: f64) -> anyhow::Result<Outputs<Tensor>> {
    let &[x, weight, bias, mean, variance] = inputs else {
        return wrong_inputs("an input, weight, bias, mean and variance", inputs);
    };
    let training = false;
    single(x.f_batch_norm(
        Some(&weight.0),
        Some(&bias.0),
        Some(&mean.0),
        Some(&variance.0),
        training,
        MOMENTUM,
        eps,
        CUDNN,
    ))
}

impl Eval<Torch> for GroupNorm {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (weight, bias) = (optional(inputs, 1), optional(inputs, 2));
        let groups = self.num_groups as i64;
        single(inputs[0].f_group_norm(groups, weight, bias, self.eps, CUDNN))
    }
}

register_kernel!(GroupNorm);

/// The same function: the reference's eager code writes it out, fused it is this one call.
impl Eval<Torch> for RmsNorm {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, weight] = inputs else {
            return wrong_inputs("an input and weights", inputs);
        };
        let size = weight.size1().map_err(said)?;
        single(x.f_rms_norm([size], Some(&weight.0), self.eps))
    }
}

register_kernel!(RmsNorm);
