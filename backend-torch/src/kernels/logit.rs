//! Logit computation.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{LogSoftmax, Softmax};

use super::single;
use crate::convert;
use crate::engine::{Tensor, Torch};
use crate::register_kernel;

impl Eval<Torch> for Softmax {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let dtype = self.dtype.map(convert::to_torch).transpose()?;
        single(inputs[0].f_softmax(self.dim, dtype))
    }
}

register_kernel!(Softmax);

impl Eval<Torch> for LogSoftmax {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let dtype = self.dtype.map(convert::to_torch).transpose()?;
        single(inputs[0].f_log_softmax(self.dim, dtype))
    }
}

register_kernel!(LogSoftmax);
