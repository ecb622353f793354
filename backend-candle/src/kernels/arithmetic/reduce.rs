//! `sum`, `mean`, `amax`, `all`, `argmax`, ...

use candle_core::{DType, Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::{Reduce, ReduceKind};
use smallvec::smallvec;

use crate::engine::Candle;
use crate::kernels::{no_bytes, one};
use crate::promote::{cast, truth};
use crate::register_kernel;

impl Eval<Candle> for Reduce {
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        no_bytes(inputs)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0];
        let axes = axes(x, &self.dims)?;
        match self.kind {
            ReduceKind::Sum => {
                let dtype = if x.dtype().is_float() {
                    x.dtype()
                } else {
                    DType::I64
                };
                one(sum(&*cast(x, dtype)?, axes, self.keepdim))
            }
            ReduceKind::Mean if self.keepdim => one(x.mean_keepdim(axes)),
            ReduceKind::Mean => one(x.mean(axes)),
            ReduceKind::Amax => one(fold(x, axes, self.keepdim, |x, dim| x.max_keepdim(dim))),
            ReduceKind::Amin => one(fold(x, axes, self.keepdim, |x, dim| x.min_keepdim(dim))),
            ReduceKind::All => {
                let fewest = |x: &Tensor, dim| x.min_keepdim(dim);
                one(fold(&*truth(x)?, axes, self.keepdim, fewest))
            }
            ReduceKind::Any => {
                let most = |x: &Tensor, dim| x.max_keepdim(dim);
                one(fold(&*truth(x)?, axes, self.keepdim, most))
            }
            ReduceKind::Argmax => one(self.argmax(x)),
            ReduceKind::Max | ReduceKind::Min => self.extremum(x, axes),
        }
    }
}

register_kernel!(Reduce);

trait Extremes {
    fn argmax(&self, x: &Tensor) -> Result<Tensor>;
    fn extremum(&self, x: &Tensor, axes: Vec<usize>) -> anyhow::Result<Outputs<Tensor>>;
}

impl Extremes for Reduce {
    /// The index in one dimension, or in the flattened tensor.
    fn argmax(&self, x: &Tensor) -> Result<Tensor> {
        let index = match self.dims.first() {
            Some(&dim) => {
                let dim = x.normalize_axis(dim)?;
                let index = x.argmax_keepdim(dim)?;
                if self.keepdim {
                    index
                } else {
                    index.squeeze(dim)?
                }
            }
            None => {
                let shape = vec![1; if self.keepdim { x.rank() } else { 0 }];
                x.flatten_all()?.argmax(0)?.reshape(shape)?
            }
        };
        index.to_dtype(DType::I64)
    }

    /// The value, and with a dimension its index there.
    fn extremum(&self, x: &Tensor, axes: Vec<usize>) -> anyhow::Result<Outputs<Tensor>> {
        let largest = self.kind == ReduceKind::Max;
        let pick = |x: &Tensor, dim| {
            if largest {
                x.max_keepdim(dim)
            } else {
                x.min_keepdim(dim)
            }
        };
        if x.elem_count() == 0 && self.dims.is_empty() {
            // candle refuses: graphs go on where no box was found, and nothing reads this then.
            let nothing = if largest {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            };
            let value = Tensor::new(nothing, x.device())?.to_dtype(x.dtype())?;
            return Ok(smallvec![value]);
        }
        let value = fold(x, axes, self.keepdim, pick)?;
        let Some(&dim) = self.dims.first() else {
            return Ok(smallvec![value]);
        };
        let dim = x.normalize_axis(dim)?;
        let index = if largest {
            x.argmax_keepdim(dim)?
        } else {
            x.argmin_keepdim(dim)?
        };
        let index = index.to_dtype(DType::I64)?.reshape(value.shape())?;
        Ok(smallvec![value, index])
    }
}

/// The named dimensions, or all.
fn axes(x: &Tensor, dims: &[i64]) -> Result<Vec<usize>> {
    if dims.is_empty() {
        return Ok((0..x.rank()).collect());
    }
    dims.iter().map(|&dim| x.normalize_axis(dim)).collect()
}

fn sum(x: &Tensor, axes: Vec<usize>, keepdim: bool) -> Result<Tensor> {
    if keepdim {
        x.sum_keepdim(axes)
    } else {
        x.sum(axes)
    }
}

/// Reduces one dimension after the other; candle's extremes take one at a time.
fn fold(
    x: &Tensor,
    axes: Vec<usize>,
    keepdim: bool,
    step: impl Fn(&Tensor, usize) -> Result<Tensor>,
) -> Result<Tensor> {
    let mut shape = x.dims().to_vec();
    let mut y = x.clone();
    for &axis in &axes {
        y = step(&y, axis)?;
        shape[axis] = 1;
    }
    if keepdim {
        return Ok(y);
    }
    let kept = (0..shape.len()).filter(|axis| !axes.contains(axis));
    let kept: Vec<usize> = kept.map(|axis| shape[axis]).collect();
    y.reshape(kept)
}
