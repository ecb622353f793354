//! `conv_transpose2d`.

use candle_core::Tensor;
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::ConvTranspose2d;

use crate::engine::Candle;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for ConvTranspose2d {
    /// candle has one number for both directions.
    fn takes(&self, _: &[TensorSpec]) -> bool {
        let pairs = [
            self.stride,
            self.padding,
            self.output_padding,
            self.dilation,
        ];
        pairs.iter().all(|[down, across]| down == across)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (x, weight) = (inputs[0], inputs[1]);
        let y = x.conv_transpose2d(
            weight,
            self.padding[0],
            self.output_padding[0],
            self.stride[0],
            self.dilation[0],
        )?;
        one(match inputs.get(2) {
            Some(bias) => y.broadcast_add(&bias.reshape((1, bias.elem_count(), 1, 1))?),
            None => Ok(y),
        })
    }
}

register_kernel!(ConvTranspose2d);
