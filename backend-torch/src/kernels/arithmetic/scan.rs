//! `cumsum`, `diff`.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Cumsum, Diff};

use crate::convert;
use crate::engine::{Tensor, Torch};
use crate::kernels::{optional, single};
use crate::register_kernel;

impl Eval<Torch> for Cumsum {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let dtype = self.dtype.map(convert::to_torch).transpose()?;
        single(inputs[0].f_cumsum(self.dim, dtype))
    }
}

register_kernel!(Cumsum);

impl Eval<Torch> for Diff {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (times, prepend) = (1, optional(inputs, 1));
        single(inputs[0].f_diff(times, self.dim, prepend, None))
    }
}

register_kernel!(Diff);
