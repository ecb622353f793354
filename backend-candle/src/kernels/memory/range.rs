//! Parts of one dimension.

use candle_core::{Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Chunk, Select, Slice, Split, SplitWithSizes, Unbind};

use crate::engine::Candle;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for Select {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0];
        let dim = x.normalize_axis(self.dim)?;
        let size = x.dim(dim)? as i64;
        let index = if self.index < 0 {
            self.index + size
        } else {
            self.index
        };
        anyhow::ensure!(
            (0..size).contains(&index),
            "index {index} is outside {size} elements"
        );
        one(part(x, dim, index as usize, 1)?.squeeze(dim))
    }
}

register_kernel!(Select);

/// A view, unless elements are left out; candle's views have no steps.
impl Eval<Candle> for Slice {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0];
        let dim = x.normalize_axis(self.dim)?;
        let (start, end) = self.range(x.dim(dim)?);
        if self.step == 1 {
            return one(part(x, dim, start, end - start));
        }
        let positions: Vec<u32> = (start as u32..end as u32).step_by(self.step).collect();
        let positions = Tensor::new(positions, x.device())?;
        one(x.contiguous()?.index_select(&positions, dim))
    }
}

register_kernel!(Slice);

impl Eval<Candle> for Split {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let dim = inputs[0].normalize_axis(self.dim)?;
        Ok(pieces(inputs[0], dim, self.split_size)?)
    }
}

register_kernel!(Split);

impl Eval<Candle> for Chunk {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let dim = inputs[0].normalize_axis(self.dim)?;
        let size = inputs[0].dim(dim)?;
        Ok(pieces(inputs[0], dim, size.div_ceil(self.chunks.max(1)))?)
    }
}

register_kernel!(Chunk);

impl Eval<Candle> for SplitWithSizes {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (x, like) = (inputs[0], &inputs[1..]);
        let dim = x.normalize_axis(self.dim)?;
        let sizes: Vec<usize> = if like.is_empty() {
            self.split_sizes.clone()
        } else {
            like.iter().map(|x| x.dim(0)).collect::<Result<_>>()?
        };
        let mut start = 0;
        let mut pieces = Outputs::new();
        for size in sizes {
            pieces.push(part(x, dim, start, size)?);
            start += size;
        }
        Ok(pieces)
    }
}

register_kernel!(SplitWithSizes);

impl Eval<Candle> for Unbind {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0];
        let dim = x.normalize_axis(self.dim)?;
        let size = x.dim(dim)?;
        if size == 0 {
            let mut shape = x.dims().to_vec();
            shape.remove(dim);
            let nothing = Tensor::zeros(shape, x.dtype(), x.device())?;
            return Ok(vec![nothing; self.count.unwrap_or(0)].into());
        }
        let count = self.count.unwrap_or(size);
        let pieces = (0..count).map(|i| part(x, dim, i.min(size - 1), 1)?.squeeze(dim));
        Ok(pieces.collect::<Result<_>>()?)
    }
}

register_kernel!(Unbind);

/// Views of `piece` elements; the last may be smaller.
fn pieces(x: &Tensor, dim: usize, piece: usize) -> Result<Outputs<Tensor>> {
    let size = x.dim(dim)?;
    if size == 0 || piece == 0 {
        return Ok(smallvec::smallvec![x.clone()]);
    }
    (0..size)
        .step_by(piece)
        .map(|start| part(x, dim, start, piece.min(size - start)))
        .collect()
}

/// A view of some elements of a dimension. What has none gets memory of its own: candle panics where a view
/// starts behind the end of its memory.
fn part(x: &Tensor, dim: usize, start: usize, count: usize) -> Result<Tensor> {
    let view = x.narrow(dim, start, count)?;
    if view.elem_count() > 0 {
        return Ok(view);
    }
    Tensor::zeros(view.shape(), view.dtype(), view.device())
}
