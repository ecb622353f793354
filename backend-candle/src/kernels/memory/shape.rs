//! Shapes and the order of dimensions. Views, where candle makes views: it copies where a tensor that
//! is not contiguous is reshaped.

use candle_core::{Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{
    CloneTensor, Contiguous, Expand, ExpandAs, Flatten, Identity, Meshgrid, Permute, Reshape,
    Squeeze, Transpose, Unsqueeze, View,
};

use crate::engine::Candle;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for Identity {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(Ok(inputs[0].clone()))
    }
}

register_kernel!(Identity);

impl Eval<Candle> for CloneTensor {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(inputs[0].force_contiguous())
    }
}

register_kernel!(CloneTensor);

impl Eval<Candle> for Contiguous {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(inputs[0].contiguous())
    }
}

register_kernel!(Contiguous);

impl Eval<Candle> for View {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(reshape(inputs[0], &self.size))
    }
}

register_kernel!(View);

impl Eval<Candle> for Reshape {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(reshape(inputs[0], &self.shape))
    }
}

register_kernel!(Reshape);

impl Eval<Candle> for Flatten {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0];
        one(x.flatten(
            x.normalize_axis(self.start_dim)?,
            x.normalize_axis(self.end_dim)?,
        ))
    }
}

register_kernel!(Flatten);

impl Eval<Candle> for Transpose {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0];
        one(x.transpose(x.normalize_axis(self.dim0)?, x.normalize_axis(self.dim1)?))
    }
}

register_kernel!(Transpose);

impl Eval<Candle> for Permute {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(permute(inputs[0], &self.dims))
    }
}

register_kernel!(Permute);

impl Eval<Candle> for Expand {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(expand(inputs[0], &self.size))
    }
}

register_kernel!(Expand);

impl Eval<Candle> for ExpandAs {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(inputs[0].broadcast_as(inputs[1].shape()))
    }
}

register_kernel!(ExpandAs);

impl Eval<Candle> for Meshgrid {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (rows, columns) = (inputs[0], inputs[1]);
        let shape = (rows.dim(0)?, columns.dim(0)?);
        Ok(smallvec::smallvec![
            rows.unsqueeze(1)?.broadcast_as(shape)?,
            columns.unsqueeze(0)?.broadcast_as(shape)?,
        ])
    }
}

register_kernel!(Meshgrid);

impl Eval<Candle> for Squeeze {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(squeeze(inputs[0], self.dim))
    }
}

register_kernel!(Squeeze);

impl Eval<Candle> for Unsqueeze {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0];
        one(x.unsqueeze(new_axis(x, self.dim)))
    }
}

register_kernel!(Unsqueeze);

/// Sizes with at most one -1, which stands for what is left.
fn reshape(x: &Tensor, sizes: &[i64]) -> Result<Tensor> {
    let known: usize = sizes
        .iter()
        .filter_map(|&size| usize::try_from(size).ok())
        .product();
    let left = x.elem_count().checked_div(known).unwrap_or(0);
    let shape: Vec<usize> = sizes
        .iter()
        .map(|&size| usize::try_from(size).unwrap_or(left))
        .collect();
    x.reshape(shape)
}

fn permute(x: &Tensor, dims: &[i64]) -> Result<Tensor> {
    let dims: Result<Vec<usize>> = dims.iter().map(|&dim| x.normalize_axis(dim)).collect();
    x.permute(dims?)
}

/// Sizes where -1 keeps a size.
fn expand(x: &Tensor, sizes: &[i64]) -> Result<Tensor> {
    let added = sizes.len().saturating_sub(x.rank());
    let old = |i: usize| i.checked_sub(added).and_then(|i| x.dims().get(i).copied());
    let shape: Vec<usize> = sizes
        .iter()
        .enumerate()
        .map(|(i, &size)| usize::try_from(size).unwrap_or_else(|_| old(i).unwrap_or(1)))
        .collect();
    x.broadcast_as(shape)
}

fn squeeze(x: &Tensor, dim: Option<i64>) -> Result<Tensor> {
    if let Some(dim) = dim {
        return x.squeeze(x.normalize_axis(dim)?);
    }
    let mut ones = (0..x.rank()).rev().filter(|&axis| x.dims()[axis] == 1);
    ones.try_fold(x.clone(), |x, axis| x.squeeze(axis))
}

/// A position for a new dimension; negative counts from the end of the result.
pub(super) fn new_axis(x: &Tensor, dim: i64) -> usize {
    let rank = x.rank() as i64 + 1;
    (if dim < 0 { dim + rank } else { dim }).max(0) as usize
}
