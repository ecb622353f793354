//! `matmul`, `bmm`, `addmm`.
//!
//! candle's matrix product reads views as they are where their strides allow it, so operands are
//! copied only where they do not.

use std::borrow::Cow;

use candle_core::{Layout, Result, Shape, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Addmm, Bmm, Matmul};

use crate::engine::Candle;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for Matmul {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(matmul(inputs[0], inputs[1]))
    }
}

register_kernel!(Matmul);

impl Eval<Candle> for Bmm {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(multiply(inputs[0], inputs[1]))
    }
}

register_kernel!(Bmm);

impl Eval<Candle> for Addmm {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let product = multiply(inputs[1], inputs[2])?;
        one(product.broadcast_add(inputs[0]))
    }
}

register_kernel!(Addmm);

/// The general product: vectors become matrices, batch dimensions broadcast.
fn matmul(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match (a.dims(), b.dims()) {
        ([_], [_]) => multiply(&a.unsqueeze(0)?, &b.unsqueeze(1)?)?.reshape(()),
        ([_], _) => matmul(&a.unsqueeze(0)?, b)?.squeeze(b.rank() - 2),
        (_, [_]) => matmul(a, &b.unsqueeze(1)?)?.squeeze(a.rank() - 1),
        ([batch_a @ .., _, _], [batch_b @ .., _, _]) if batch_a == batch_b => multiply(a, b),
        ([batch @ .., rows, depth], [_, columns]) if a.is_contiguous() => {
            let merged = batch.iter().product::<usize>() * rows;
            let product = multiply(&a.reshape((merged, *depth))?, b)?;
            product.reshape(extended(batch, *rows, *columns))
        }
        ([batch_a @ .., rows, depth], [batch_b @ .., _, columns]) => {
            let batch =
                Shape::from(batch_a).broadcast_shape_binary_op(&batch_b.into(), "matmul")?;
            let a = a.broadcast_as(extended(batch.dims(), *rows, *depth))?;
            let b = b.broadcast_as(extended(batch.dims(), *depth, *columns))?;
            multiply(&a, &b)
        }
        _ => a.matmul(b),
    }
}

fn extended(batch: &[usize], rows: usize, columns: usize) -> Vec<usize> {
    [batch, &[rows, columns]].concat()
}

/// The product of matrices with equal batch dimensions.
pub(super) fn multiply(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.rank() <= 4 {
        return readable(a)?.matmul(&*readable(b)?);
    }
    // candle takes at most two batch dimensions.
    let [batch @ .., rows, depth] = a.dims() else {
        return a.matmul(b);
    };
    let columns = b.dims()[b.rank() - 1];
    let merged: usize = batch.iter().product();
    let a = a.reshape((merged, *rows, *depth))?;
    let b = b.reshape((merged, *depth, columns))?;
    a.matmul(&b)?.reshape(extended(batch, *rows, columns))
}

/// `x`, copied only if the device's matrix product cannot read its strides.
fn readable(x: &Tensor) -> Result<Cow<'_, Tensor>> {
    let layout = x.layout();
    if even_batches(layout) && (x.device().is_cpu() || dense_matrices(layout)) {
        Ok(Cow::Borrowed(x))
    } else {
        x.contiguous().map(Cow::Owned)
    }
}

/// Whether one stride leads from each matrix to the next.
fn even_batches(layout: &Layout) -> bool {
    match (layout.dims(), layout.stride()) {
        ([_, _] | [_, _, _], _) => true,
        ([outer, inner, _, _], [s1, s2, _, _]) => *s1 == s2 * inner || *outer == 1 || *inner == 1,
        _ => false,
    }
}

/// Whether each matrix is stored without gaps, by rows or by columns: what cuBLAS is called with.
fn dense_matrices(layout: &Layout) -> bool {
    match (layout.dims(), layout.stride()) {
        ([.., rows, columns], [.., s1, s2]) => {
            let by_rows = (*s2 == 1 || *columns == 1) && (s1 == columns || *rows == 1);
            let by_columns = (*s1 == 1 || *rows == 1) && (s2 == rows || *columns == 1);
            by_rows || by_columns
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn heads(batch: usize) -> Tensor {
        let x = Tensor::arange(0f32, (batch * 24) as f32, &Device::Cpu).unwrap();
        x.reshape((batch, 3, 2, 4))
            .unwrap()
            .transpose(1, 2)
            .unwrap()
    }

    #[test]
    fn views_are_copied_only_where_batches_are_uneven() {
        assert!(matches!(readable(&heads(1)).unwrap(), Cow::Borrowed(_)));
        assert!(matches!(readable(&heads(2)).unwrap(), Cow::Owned(_)));
        let transposed = heads(2).contiguous().unwrap().t().unwrap();
        assert!(matches!(readable(&transposed).unwrap(), Cow::Borrowed(_)));
    }

    #[test]
    fn five_dimensions_are_as_good_as_three() {
        let x = Tensor::arange(0f32, 48.0, &Device::Cpu).unwrap();
        let a = x.reshape((2, 1, 3, 4, 2)).unwrap();
        let b = x.reshape((2, 1, 3, 2, 4)).unwrap();
        let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let expected = a
            .reshape((6, 4, 2))
            .unwrap()
            .matmul(&b.reshape((6, 2, 4)).unwrap());
        let product = matmul(&a, &b).unwrap();
        assert_eq!(product.dims(), [2, 1, 3, 4, 4]);
        assert_eq!(flat(&product), flat(&expected.unwrap()));
    }
}
