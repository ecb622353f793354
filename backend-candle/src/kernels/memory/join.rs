//! Tensors joined, padded, shifted.

use candle_core::{Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Cat, Pad, Repeat, Roll, Stack};

use super::create::filled;
use super::shape::new_axis;
use crate::engine::Candle;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for Cat {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(joined(inputs, inputs[0].normalize_axis(self.dim)?))
    }
}

register_kernel!(Cat);

/// Tensors one after the other. candle panics where none of them has an element.
fn joined(tensors: &[&Tensor], dim: usize) -> Result<Tensor> {
    if tensors.iter().any(|x| x.elem_count() > 0) {
        return Tensor::cat(tensors, dim);
    }
    let mut shape = tensors[0].dims().to_vec();
    shape[dim] = tensors.iter().map(|x| x.dims()[dim]).sum();
    Tensor::zeros(shape, tensors[0].dtype(), tensors[0].device())
}

impl Eval<Candle> for Repeat {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(inputs[0].repeat(self.repeats.as_slice()))
    }
}

register_kernel!(Repeat);

impl Eval<Candle> for Stack {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let dim = new_axis(inputs[0], self.dim);
        let rows = inputs.iter().map(|x| x.unsqueeze(dim));
        let rows = rows.collect::<Result<Vec<Tensor>>>()?;
        one(joined(&rows.iter().collect::<Vec<_>>(), dim))
    }
}

register_kernel!(Stack);

impl Eval<Candle> for Pad {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let mut y = inputs[0].clone();
        for (i, pair) in self.pad.chunks_exact(2).enumerate() {
            let dim = y.rank() - 1 - i;
            let cut = |amount: i64| amount.min(0).unsigned_abs() as usize;
            let (before, after) = (cut(pair[0]), cut(pair[1]));
            let kept = y.dim(dim)?.saturating_sub(before + after);
            y = y.narrow(dim, before, kept)?;
            let (before, after) = (pair[0].max(0) as usize, pair[1].max(0) as usize);
            y = pad_constant(&y, dim, before, after, self.value)?;
        }
        one(Ok(y))
    }
}

register_kernel!(Pad);

/// Adds `value` before and after the elements of one dimension.
pub(in crate::kernels) fn pad_constant(
    x: &Tensor,
    dim: usize,
    before: usize,
    after: usize,
    value: f64,
) -> Result<Tensor> {
    let zeros = value == 0.0 && x.elem_count() > 0;
    if zeros || (before, after) == (0, 0) {
        return x.pad_with_zeros(dim, before, after);
    }
    let edge = |size: usize| {
        let mut shape = x.dims().to_vec();
        shape[dim] = size;
        filled(&shape, value, x.dtype(), x.device())
    };
    joined(&[&edge(before)?, x, &edge(after)?], dim)
}

impl Eval<Candle> for Roll {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let mut y = inputs[0].clone();
        for (&shift, &dim) in self.shifts.iter().zip(&self.dims) {
            let dim = y.normalize_axis(dim)?;
            let size = y.dim(dim)? as i64;
            if size > 0 {
                y = y.roll((shift % size) as i32, dim)?;
            }
        }
        one(Ok(y))
    }
}

register_kernel!(Roll);
