//! `layer_norm`.

use candle_core::{D, DType, Result, Tensor};
use candle_nn::ops;
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::LayerNorm;

use crate::engine::Candle;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for LayerNorm {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0].contiguous()?;
        let size: usize = self.normalized_shape.iter().product();
        let flat = |parameter: Option<&&Tensor>, default: f64| match parameter {
            Some(parameter) => parameter.reshape(size),
            None => Tensor::full(default, size, x.device())?.to_dtype(x.dtype()),
        };
        let (weight, bias) = (flat(inputs.get(1), 1.0)?, flat(inputs.get(2), 0.0)?);
        if self.normalized_shape.len() == 1 {
            return one(normalize(&x, &weight, &bias, self.eps));
        }
        let rows = x.reshape(((), size))?;
        one(normalize(&rows, &weight, &bias, self.eps).and_then(|y| y.reshape(x.shape())))
    }
}

register_kernel!(LayerNorm);

/// Normalization of the last dimension of a contiguous tensor.
pub(super) fn normalize(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    if x.dtype() != DType::F64 {
        return ops::layer_norm(x, weight, bias, eps as f32);
    }
    // The fused kernel has no f64.
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let scaled = centred.broadcast_div(&variance.affine(1.0, eps)?.sqrt()?)?;
    scaled.broadcast_mul(weight)?.broadcast_add(bias)
}
