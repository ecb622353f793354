//! Matrix multiplications and convolutions.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Addmm, Bmm, Conv2d, ConvTranspose2d, Einsum, Linear, Matmul};

use super::{optional, pair, single, wrong_inputs};
use crate::engine::{Tensor, Torch};
use crate::register_kernel;

impl Eval<Torch> for Linear {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, weight, ..] = inputs else {
            return wrong_inputs("an input, weights and at most a bias", inputs);
        };
        single(x.f_linear(weight, optional(inputs, 2)))
    }
}

register_kernel!(Linear);

impl Eval<Torch> for Addmm {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[bias, x, weight] = inputs else {
            return wrong_inputs("a bias and two matrices", inputs);
        };
        single(bias.f_addmm(x, weight))
    }
}

register_kernel!(Addmm);

impl Eval<Torch> for Matmul {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[a, b] = inputs else {
            return wrong_inputs("two factors", inputs);
        };
        single(a.f_matmul(b))
    }
}

register_kernel!(Matmul);

impl Eval<Torch> for Bmm {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[a, b] = inputs else {
            return wrong_inputs("two factors", inputs);
        };
        single(a.f_bmm(b))
    }
}

register_kernel!(Bmm);

impl Eval<Torch> for Conv2d {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, weight, ..] = inputs else {
            return wrong_inputs("an input, weights and at most a bias", inputs);
        };
        single(x.f_conv2d(
            weight,
            optional(inputs, 2),
            pair(self.stride),
            pair(self.padding),
            pair(self.dilation),
            self.groups as i64,
        ))
    }
}

register_kernel!(Conv2d);

impl Eval<Torch> for ConvTranspose2d {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, weight, ..] = inputs else {
            return wrong_inputs("an input, weights and at most a bias", inputs);
        };
        let groups = 1;
        single(x.f_conv_transpose2d(
            weight,
            optional(inputs, 2),
            pair(self.stride),
            pair(self.padding),
            pair(self.output_padding),
            groups,
            pair(self.dilation),
        ))
    }
}

register_kernel!(ConvTranspose2d);

impl Eval<Torch> for Einsum {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[a, b] = inputs else {
            return wrong_inputs("two factors", inputs);
        };
        let path = None::<i64>;
        single(tch::Tensor::f_einsum(&self.equation, &[&a.0, &b.0], path))
    }
}

register_kernel!(Einsum);
