//! Tensors joined, repeated, rolled and padded.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Cat, Pad, Repeat, Roll, Stack};
use smallvec::SmallVec;

use crate::engine::{Tensor, Torch};
use crate::kernels::{single, sizes};
use crate::register_kernel;

fn all<'a>(inputs: &[&'a Tensor]) -> SmallVec<[&'a tch::Tensor; 8]> {
    inputs.iter().map(|input| &input.0).collect()
}

impl Eval<Torch> for Cat {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(tch::Tensor::f_cat(&all(inputs), self.dim))
    }
}

register_kernel!(Cat);

impl Eval<Torch> for Stack {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(tch::Tensor::f_stack(&all(inputs), self.dim))
    }
}

register_kernel!(Stack);

impl Eval<Torch> for Roll {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_roll(&self.shifts[..], &self.dims[..]))
    }
}

register_kernel!(Roll);

impl Eval<Torch> for Pad {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_pad(&self.pad[..], "constant", self.value))
    }
}

register_kernel!(Pad);

impl Eval<Torch> for Repeat {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_repeat(&sizes(&self.repeats)[..]))
    }
}

register_kernel!(Repeat);
