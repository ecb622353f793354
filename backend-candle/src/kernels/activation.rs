//! Activations.

use candle_core::{Result, Tensor};
use candle_nn::ops;
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{
    Activation, ActivationKind, Gelu, GeluApproximate, Hardtanh, NewGelu, Softplus,
};

use super::one;
use crate::engine::Candle;
use crate::register_kernel;

impl Eval<Candle> for Activation {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0];
        one(match self.kind {
            ActivationKind::Relu => x.relu(),
            ActivationKind::Silu => x.silu(),
            ActivationKind::Sigmoid => ops::sigmoid(x),
            ActivationKind::Tanh => x.tanh(),
            ActivationKind::Hardswish => ops::hard_sigmoid(x).and_then(|gate| x.mul(&gate)),
            ActivationKind::Hardsigmoid => ops::hard_sigmoid(x),
        })
    }
}

register_kernel!(Activation);

impl Eval<Candle> for Gelu {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(match self.approximate {
            GeluApproximate::None => inputs[0].gelu_erf(),
            GeluApproximate::Tanh => inputs[0].gelu(),
        })
    }
}

register_kernel!(Gelu);

/// candle's `gelu` is the approximation with a hyperbolic tangent, in one pass.
impl Eval<Candle> for NewGelu {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(inputs[0].gelu())
    }
}

register_kernel!(NewGelu);

impl Eval<Candle> for Hardtanh {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(clamp(inputs[0], Some(self.min_val), Some(self.max_val)))
    }
}

register_kernel!(Hardtanh);

/// candle has no `log1p`: the logarithm is taken of numbers from 1 to 2, so that nothing overflows.
impl Eval<Candle> for Softplus {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0];
        let scaled = x.affine(self.beta, 0.0)?;
        let bend = (scaled.abs()?.neg()?.exp()? + 1.0)?.log()?;
        let soft = (scaled.relu()? + bend)?.affine(self.beta.recip(), 0.0)?;
        if self.threshold == f64::INFINITY {
            return one(Ok(soft));
        }
        one(scaled.gt(self.threshold)?.where_cond(x, &soft))
    }
}

register_kernel!(Softplus);

/// Values cut at the bounds that are given; one pass for each.
pub(super) fn clamp(x: &Tensor, min: Option<f64>, max: Option<f64>) -> Result<Tensor> {
    match (min, max) {
        (Some(min), Some(max)) => x.clamp(min, max),
        (Some(min), None) => x.maximum(min),
        (None, Some(max)) => x.minimum(max),
        (None, None) => Ok(x.clone()),
    }
}
