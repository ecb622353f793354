//! Parts of tensors written. Values of a graph do not change, but nothing reads the old one later: it is
//! written over, as in the reference.

use candle_core::{Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{CopyInto, IndexPut};

use crate::engine::Candle;
use crate::host;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for CopyInto {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[_, source, whole] = inputs else {
            anyhow::bail!("takes 3 inputs, got {}", inputs.len());
        };
        let dim = whole.normalize_axis(self.dim)?;
        one(copy_into(whole, source, dim, self.index))
    }
}

register_kernel!(CopyInto);

fn copy_into(whole: &Tensor, source: &Tensor, dim: usize, index: usize) -> Result<Tensor> {
    let dims = whole.dims();
    let mut strides: Vec<usize> = (0..dims.len())
        .map(|axis| dims[axis + 1..].iter().product())
        .collect();
    let start = index * strides.remove(dim);
    let sizes = source.dims();
    // Elements that lie side by side in both tensors.
    let run = match (sizes.last(), strides.last()) {
        (Some(&last), Some(1)) => last,
        _ => 1,
    };
    let count = source.elem_count().checked_div(run).unwrap_or(0);
    let runs = (0..count).map(|number| {
        let mut rest = number * run;
        let mut offset = start;
        for (&size, &stride) in sizes.iter().zip(&strides).rev() {
            offset += rest % size * stride;
            rest /= size;
        }
        (offset, number * run, run)
    });
    host::write_runs(whole, source, runs.collect())
}

impl Eval<Candle> for IndexPut {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, index, values] = inputs else {
            anyhow::bail!("takes 3 inputs, got {}", inputs.len());
        };
        let (rows, row) = (x.dim(0)?, &x.dims()[1..]);
        let size: usize = row.iter().product();
        let positions = host::integers(index)?;
        let values = values.broadcast_as([&[positions.len()], row].concat())?;
        let mut runs = Vec::with_capacity(positions.len());
        for (number, &position) in positions.iter().enumerate() {
            let wrapped = if position < 0 {
                position + rows as i64
            } else {
                position
            };
            let to = usize::try_from(wrapped).ok().filter(|&to| to < rows);
            let Some(to) = to else {
                anyhow::bail!("position {position} is outside {rows} rows");
            };
            runs.push((to * size, number * size, size));
        }
        one(host::write_runs(x, &values, runs))
    }
}

register_kernel!(IndexPut);
