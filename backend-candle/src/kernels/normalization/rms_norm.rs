//! `rms_norm`, fused.

use candle_core::Tensor;
use candle_nn::ops;
use nongemm_core::dtype::DType;
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::RmsNorm;

use crate::engine::Candle;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for RmsNorm {
    /// The fused kernel has no f64.
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        inputs.iter().all(|input| input.dtype != DType::F64)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, weight] = inputs else {
            anyhow::bail!("takes 2 inputs, got {}", inputs.len());
        };
        let (x, weight) = (x.contiguous()?, weight.contiguous()?);
        one(ops::rms_norm(&x, &weight, self.eps as f32))
    }
}

register_kernel!(RmsNorm);
