//! Elements chosen by indices.

use std::borrow::Cow;

use candle_core::{DType, Result, Shape, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Gather, Index, IndexAdd, IndexSelect};

use crate::engine::Candle;
use crate::host;
use crate::kernels::one;
use crate::promote::cast;
use crate::register_kernel;

/// Indices of a type that candle takes, which `i32` is not.
pub(in crate::kernels) fn ids(indices: &Tensor) -> Result<Cow<'_, Tensor>> {
    match indices.dtype() {
        DType::I32 => cast(indices, DType::I64),
        dtype => cast(indices, dtype),
    }
}

impl Eval<Candle> for IndexSelect {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, indices] = inputs else {
            anyhow::bail!("takes 2 inputs, got {}", inputs.len());
        };
        let dim = x.normalize_axis(self.dim)?;
        one(x.contiguous()?.index_select(&*ids(indices)?, dim))
    }
}

register_kernel!(IndexSelect);

impl Eval<Candle> for Gather {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, indices] = inputs else {
            anyhow::bail!("takes 2 inputs, got {}", inputs.len());
        };
        let dim = x.normalize_axis(self.dim)?;
        one(x.contiguous()?.gather(&ids(indices)?.contiguous()?, dim))
    }
}

register_kernel!(Gather);

/// candle adds nothing where there is nothing to add, but not without complaint.
impl Eval<Candle> for IndexAdd {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, index, source] = inputs else {
            anyhow::bail!("takes 3 inputs, got {}", inputs.len());
        };
        if source.elem_count() == 0 {
            return one(Ok(x.clone()));
        }
        let dim = x.normalize_axis(self.dim)?;
        let (x, source) = (x.contiguous()?, source.contiguous()?);
        one(x.index_add(&ids(index)?.contiguous()?, &source, dim))
    }
}

register_kernel!(IndexAdd);

/// candle has no advanced indexing: one index selects rows, several are merged into one on the host,
/// and a mask is turned into the positions that it sets.
impl Eval<Candle> for Index {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let [x, indices @ ..] = inputs else {
            anyhow::bail!("takes at least 2 inputs, got none");
        };
        let (rows, picked, leading) = match indices {
            [mask] if mask.dtype() == DType::U8 => {
                let rows = positions(mask)?;
                let picked = Shape::from(rows.elem_count());
                (rows, picked, mask.rank())
            }
            [index] => (ids(index)?.flatten_all()?, index.shape().clone(), 1),
            several => {
                let (rows, picked) = merged(x, several)?;
                (rows, picked, several.len())
            }
        };
        let (merged, rest) = x.dims().split_at(leading);
        let table = x.reshape([&[merged.iter().product()], rest].concat())?;
        one(table
            .index_select(&rows, 0)?
            .reshape([picked.dims(), rest].concat()))
    }
}

register_kernel!(Index);

/// The positions where a mask is set, in row-major order.
fn positions(mask: &Tensor) -> Result<Tensor> {
    let bits = mask.flatten_all()?.to_vec1::<u8>()?;
    let set = bits.iter().enumerate().filter(|(_, bit)| **bit != 0);
    let set: Vec<u32> = set.map(|(position, _)| position as u32).collect();
    Tensor::new(set, mask.device())
}

/// Indices of the leading dimensions as one index of those dimensions merged, and its shape. Negative
/// indices count from the end.
fn merged(x: &Tensor, indices: &[&Tensor]) -> anyhow::Result<(Tensor, Shape)> {
    let mut shape = Shape::from(());
    for index in indices {
        shape = shape.broadcast_shape_binary_op(index.shape(), "index")?;
    }
    let mut rows = vec![0i64; shape.elem_count()];
    for (index, &size) in indices.iter().zip(x.dims()) {
        let size = size as i64;
        let index = host::integers(&index.broadcast_as(&shape)?)?;
        for (row, index) in rows.iter_mut().zip(index) {
            anyhow::ensure!(
                (-size..size).contains(&index),
                "index {index} is outside {size}"
            );
            *row = *row * size + index.rem_euclid(size);
        }
    }
    Ok((Tensor::new(rows, x.device())?, shape))
}
