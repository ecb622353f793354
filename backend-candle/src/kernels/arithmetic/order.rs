//! `topk`, `sort`, `_unique2`. candle sorts the last dimension only, and in no fixed order of equal
//! elements: these are kernels of our own, on the host.

use std::cmp::Ordering;

use candle_core::{DType, Result, Tensor, WithDType};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Sort, Topk, Unique};
use rayon::prelude::*;
use smallvec::smallvec;

use crate::engine::Candle;
use crate::host::{self, with_elements};
use crate::register_kernel;

impl Eval<Candle> for Topk {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        Ok(ordered(inputs[0], self.dim, self.k, true)?)
    }
}

register_kernel!(Topk);

impl Eval<Candle> for Sort {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let size = inputs[0].dim(inputs[0].normalize_axis(self.dim)?)?;
        Ok(ordered(inputs[0], self.dim, size, self.descending)?)
    }
}

register_kernel!(Sort);

impl Eval<Candle> for Unique {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let mut values = host::integers(inputs[0])?;
        values.sort_unstable();
        values.dedup();
        let count = values.len();
        let device = inputs[0].device();
        let nothing = Tensor::zeros(0, DType::I64, device)?;
        let values = Tensor::from_vec(values, count, device)?;
        Ok(smallvec![values, nothing.clone(), nothing])
    }
}

register_kernel!(Unique);

/// The first `k` elements of a dimension in order, and their positions.
fn ordered(x: &Tensor, dim: i64, k: usize, descending: bool) -> Result<Outputs<Tensor>> {
    let dim = x.normalize_axis(dim)?;
    let last = x.rank() - 1;
    let rows = x.transpose(dim, last)?.contiguous()?;
    let positions = match x.dtype() {
        DType::F64 => positions::<f64>(&rows, k, descending),
        DType::I64 | DType::I32 | DType::U32 | DType::U8 => {
            positions::<i64>(&rows.to_dtype(DType::I64)?, k, descending)
        }
        _ => positions::<f32>(&rows.to_dtype(DType::F32)?, k, descending),
    }?;
    let values = if positions.elem_count() == 0 {
        positions.to_dtype(x.dtype())?
    } else {
        rows.gather(&positions, last)?
    };
    let back = |x: Tensor| x.transpose(dim, last)?.contiguous();
    Ok(smallvec![back(values)?, back(positions)?])
}

/// In each row, the positions of the first `k` elements in order; equal ones keep their order.
fn positions<T: WithDType>(rows: &Tensor, k: usize, descending: bool) -> Result<Tensor> {
    let mut shape = rows.dims().to_vec();
    let size = shape.pop().unwrap_or(1);
    let count: usize = shape.iter().product();
    shape.push(k);
    let mut out = vec![0i64; count * k];
    if k > 0 {
        with_elements(rows, |values: &[T]| {
            let work = out.par_chunks_mut(k).zip(values.par_chunks(size));
            work.for_each(|(out, row)| {
                let order = |a: &u32, b: &u32| {
                    let (x, y) = (row[*a as usize], row[*b as usize]);
                    let by_value = compare(x, y);
                    let by_value = if descending {
                        by_value.reverse()
                    } else {
                        by_value
                    };
                    by_value.then(a.cmp(b))
                };
                let mut all: Vec<u32> = (0..size as u32).collect();
                if k < size {
                    all.select_nth_unstable_by(k - 1, order);
                    all.truncate(k);
                }
                all.sort_unstable_by(order);
                for (out, position) in out.iter_mut().zip(all) {
                    *out = i64::from(position);
                }
            });
        })?;
    }
    Tensor::from_vec(out, shape, rows.device())
}

/// What is no number counts as the largest, as in PyTorch.
fn compare<T: WithDType>(x: T, y: T) -> Ordering {
    let is_number = |x: T| x.partial_cmp(&x).is_some();
    x.partial_cmp(&y)
        .unwrap_or_else(|| is_number(y).cmp(&is_number(x)))
}
