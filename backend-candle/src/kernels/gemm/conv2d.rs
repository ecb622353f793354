//! `conv2d`.

use candle_core::{DType, Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::Conv2d;

use crate::engine::Candle;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for Conv2d {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (x, weight) = (inputs[0], inputs[1]);
        let y = if x.dtype() == DType::BF16 && x.device().is_cpu() {
            // candle's convolution has no bf16 on the CPU; as in its matrix product, f32 steps in.
            let (x, weight) = (x.to_dtype(DType::F32)?, weight.to_dtype(DType::F32)?);
            convolve(self, &x, &weight)?.to_dtype(DType::BF16)?
        } else {
            convolve(self, x, weight)?
        };
        one(match inputs.get(2) {
            Some(bias) => y.broadcast_add(&bias.reshape((1, bias.elem_count(), 1, 1))?),
            None => Ok(y),
        })
    }

    /// candle has one dilation for both directions.
    fn takes(&self, _: &[TensorSpec]) -> bool {
        self.dilation[0] == self.dilation[1]
    }
}

register_kernel!(Conv2d);

/// candle has one stride and one padding for both directions. Uneven padding is added beforehand;
/// for uneven strides, the smaller steps are computed and some thrown away.
fn convolve(op: &Conv2d, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let ([sh, sw], [ph, pw]) = (op.stride, op.padding);
    let step = if sh == sw { sh } else { gcd(sh, sw) };
    let common = ph.min(pw);
    let padded = x
        .pad_with_zeros(2, ph - common, ph - common)?
        .pad_with_zeros(3, pw - common, pw - common)?;
    let y = padded.conv2d(weight, common, step, op.dilation[0], op.groups)?;
    every(&every(&y, 2, sh / step)?, 3, sw / step)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Every `step`-th element of dimension `dim`.
fn every(x: &Tensor, dim: usize, step: usize) -> Result<Tensor> {
    if step == 1 {
        return Ok(x.clone());
    }
    let positions = Tensor::arange_step(0u32, x.dim(dim)? as u32, step as u32, x.device())?;
    x.contiguous()?.index_select(&positions, dim)
}
