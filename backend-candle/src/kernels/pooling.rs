//! Pooling. candle's pools have no padding, so it is added beforehand.

use candle_core::{Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::{AdaptiveAvgPool1d, AdaptiveAvgPool2d, AvgPool2d, MaxPool2d};

use super::memory::pad_constant;
use super::one;
use crate::engine::Candle;
use crate::register_kernel;

impl Eval<Candle> for MaxPool2d {
    /// candle has no dilation here.
    fn takes(&self, _: &[TensorSpec]) -> bool {
        self.dilation == [1, 1]
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let padded = surround(inputs[0], self.padding, f64::NEG_INFINITY)?;
        one(padded.max_pool2d_with_stride(pair(self.kernel_size), pair(self.stride)))
    }
}

register_kernel!(MaxPool2d);

impl Eval<Candle> for AvgPool2d {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let pool = |x: &Tensor| {
            let padded = surround(x, self.padding, 0.0)?;
            padded.avg_pool2d_with_stride(pair(self.kernel_size), pair(self.stride))
        };
        let mean = pool(inputs[0])?;
        if self.count_include_pad || self.padding == [0, 0] {
            return one(Ok(mean));
        }
        // The part of each window that is not padding.
        let (_, _, h, w) = inputs[0].dims4()?;
        let counted = pool(&Tensor::ones((1, 1, h, w), mean.dtype(), mean.device())?)?;
        one(mean.broadcast_div(&counted))
    }
}

register_kernel!(AvgPool2d);

fn pair([h, w]: [usize; 2]) -> (usize, usize) {
    (h, w)
}

fn surround(x: &Tensor, [h, w]: [usize; 2], value: f64) -> Result<Tensor> {
    pad_constant(&pad_constant(x, 3, w, w, value)?, 2, h, h, value)
}

impl Eval<Candle> for AdaptiveAvgPool1d {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0].contiguous()?;
        one(match self.output_size {
            [1] => x.mean_keepdim(2),
            [size] => uneven(&x, 2, size),
        })
    }
}

register_kernel!(AdaptiveAvgPool1d);

impl Eval<Candle> for AdaptiveAvgPool2d {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (x, [out_h, out_w]) = (inputs[0], self.output_size);
        let (_, _, h, w) = x.dims4()?;
        one(if self.output_size == [1, 1] {
            x.contiguous()?.mean_keepdim((2, 3))
        } else if out_h > 0 && out_w > 0 && h % out_h == 0 && w % out_w == 0 {
            x.avg_pool2d((h / out_h, w / out_w))
        } else {
            uneven(&uneven(x, 2, out_h)?, 3, out_w)
        })
    }
}

register_kernel!(AdaptiveAvgPool2d);

/// Means over windows of different sizes that cover one dimension.
fn uneven(x: &Tensor, dim: usize, count: usize) -> Result<Tensor> {
    let size = x.dim(dim)?;
    if count == 0 {
        return x.narrow(dim, 0, 0);
    }
    let windows = (0..count).map(|i| {
        let (start, end) = (i * size / count, ((i + 1) * size).div_ceil(count));
        x.narrow(dim, start, end - start)?.mean_keepdim(dim)
    });
    Tensor::cat(&windows.collect::<Result<Vec<_>>>()?, dim)
}
