//! Logit computation.

use candle_core::Tensor;
use candle_nn::ops;
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{LogSoftmax, Softmax};

use super::one;
use crate::convert::to_candle;
use crate::engine::Candle;
use crate::promote::cast;
use crate::register_kernel;

impl Eval<Candle> for Softmax {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let dtype = self.dtype.map_or(Ok(inputs[0].dtype()), to_candle)?;
        let x = cast(inputs[0], dtype)?;
        let dim = x.normalize_axis(self.dim)?;
        one(if dim + 1 == x.rank() {
            x.contiguous().and_then(|x| ops::softmax_last_dim(&x))
        } else {
            ops::softmax(&x, dim)
        })
    }
}

register_kernel!(Softmax);

impl Eval<Candle> for LogSoftmax {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let dtype = self.dtype.map_or(Ok(inputs[0].dtype()), to_candle)?;
        let x = cast(inputs[0], dtype)?;
        one(ops::log_softmax(&x, x.normalize_axis(self.dim)?))
    }
}

register_kernel!(LogSoftmax);
