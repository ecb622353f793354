//! `cumsum` and `diff`.

use candle_core::{DType, Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::{Cumsum, Diff};

use crate::convert::to_candle;
use crate::engine::Candle;
use crate::kernels::{no_bytes, one};
use crate::promote::cast;
use crate::register_kernel;

/// candle's own running sum is a product with a triangular matrix, which takes no integers. The tensors
/// that models sum up are masks, so the host does it, in `f64` or `i64`.
impl Eval<Candle> for Cumsum {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0];
        let dtype = match self.dtype {
            Some(dtype) => to_candle(dtype)?,
            None if x.dtype().is_float() => x.dtype(),
            None => DType::I64,
        };
        let x = cast(x, dtype)?;
        let dim = x.normalize_axis(self.dim)?;
        one(if dtype.is_float() {
            running(&x, dim, DType::F64, |sum: &mut f64, value| *sum += value)
        } else {
            running(&x, dim, DType::I64, |sum: &mut i64, value| {
                *sum = sum.wrapping_add(value)
            })
        })
    }
}

register_kernel!(Cumsum);

fn running<T: candle_core::WithDType>(
    x: &Tensor,
    dim: usize,
    wide: DType,
    add: impl Fn(&mut T, T),
) -> Result<Tensor> {
    let mut values = x.to_dtype(wide)?.flatten_all()?.to_vec1::<T>()?;
    let (size, stride) = (x.dim(dim)?, x.dims()[dim + 1..].iter().product::<usize>());
    for block in values.chunks_mut((size * stride).max(1)) {
        for i in stride..block.len() {
            let mut sum = block[i - stride];
            add(&mut sum, block[i]);
            block[i] = sum;
        }
    }
    Tensor::from_vec(values, x.dims(), x.device())?.to_dtype(x.dtype())
}

impl Eval<Candle> for Diff {
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        no_bytes(inputs)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let dim = inputs[0].normalize_axis(self.dim)?;
        one(match *inputs {
            [x, prepend] => Tensor::cat(&[prepend, x], dim).and_then(|x| differences(&x, dim)),
            _ => differences(inputs[0], dim),
        })
    }
}

register_kernel!(Diff);

fn differences(x: &Tensor, dim: usize) -> Result<Tensor> {
    let count = x.dim(dim)?.saturating_sub(1);
    let later = x.narrow(dim, x.dim(dim)? - count, count)?;
    later.sub(&x.narrow(dim, 0, count)?)
}
