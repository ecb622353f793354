//! Ranges of a dimension: views.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Chunk, Select, Slice, Split};

use crate::engine::{Tensor, Torch};
use crate::kernels::{several, single};
use crate::register_kernel;

impl Eval<Torch> for Select {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_select(self.dim, self.index))
    }
}

register_kernel!(Select);

impl Eval<Torch> for Slice {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_slice(self.dim, self.start, self.end, self.step as i64))
    }
}

register_kernel!(Slice);

impl Eval<Torch> for Split {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        several(inputs[0].f_split(self.split_size as i64, self.dim))
    }
}

register_kernel!(Split);

impl Eval<Torch> for Chunk {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        several(inputs[0].f_chunk(self.chunks as i64, self.dim))
    }
}

register_kernel!(Chunk);
