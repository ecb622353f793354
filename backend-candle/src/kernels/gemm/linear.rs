//! `linear`, as `candle_nn::Linear` computes it.

use candle_core::{Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::Linear;

use super::product::multiply;
use crate::engine::Candle;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for Linear {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let product = project(inputs[0], inputs[1])?;
        one(match inputs.get(2) {
            Some(bias) => product.broadcast_add(bias),
            None => Ok(product),
        })
    }
}

register_kernel!(Linear);

/// `x weightᵀ` with the leading dimensions of `x` merged into one product. A copy is made only where a
/// view cannot be merged; batches of one multiply the view itself.
fn project(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    if let ([leading @ .., _], 0) = (x.dims(), x.elem_count()) {
        // An expert that no token was sent to.
        return Tensor::zeros([leading, &[weight.dim(0)?]].concat(), x.dtype(), x.device());
    }
    let transposed = weight.t()?;
    match x.dims() {
        [features] => x.reshape((1, *features))?.matmul(&transposed)?.squeeze(0),
        [_, _] => multiply(x, &transposed),
        [1, rows, _] => {
            let product = multiply(&x.squeeze(0)?, &transposed)?;
            let columns = product.dims()[1];
            product.reshape((1, *rows, columns))
        }
        [leading @ .., features] => {
            let rows: usize = leading.iter().product();
            let product = x.reshape((rows, *features))?.matmul(&transposed)?;
            let columns = product.dims()[1];
            product.reshape([leading, &[columns]].concat())
        }
        [] => x.matmul(&transposed),
    }
}
