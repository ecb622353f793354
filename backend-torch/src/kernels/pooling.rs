//! Pooling. Sizes are rounded down.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{AdaptiveAvgPool1d, AdaptiveAvgPool2d, AvgPool2d, MaxPool2d};

use super::{pair, single};
use crate::engine::{Tensor, Torch};
use crate::register_kernel;

impl Eval<Torch> for MaxPool2d {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (kernel, stride) = (pair(self.kernel_size), pair(self.stride));
        let (padding, dilation) = (pair(self.padding), pair(self.dilation));
        single(inputs[0].f_max_pool2d(kernel, stride, padding, dilation, false))
    }
}

register_kernel!(MaxPool2d);

impl Eval<Torch> for AvgPool2d {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (kernel, stride) = (pair(self.kernel_size), pair(self.stride));
        let (padding, round_up) = (pair(self.padding), false);
        single(inputs[0].f_avg_pool2d(
            kernel,
            stride,
            padding,
            round_up,
            self.count_include_pad,
            None,
        ))
    }
}

register_kernel!(AvgPool2d);

impl Eval<Torch> for AdaptiveAvgPool2d {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_adaptive_avg_pool2d(pair(self.output_size)))
    }
}

register_kernel!(AdaptiveAvgPool2d);

impl Eval<Torch> for AdaptiveAvgPool1d {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let [size] = self.output_size;
        single(inputs[0].f_adaptive_avg_pool1d([size as i64]))
    }
}

register_kernel!(AdaptiveAvgPool1d);
