//! Parts of tensors written: `copy_`, `index_put_`, `index_add_`. Values of a graph do not change: a new one is made.

use nongemm_core::dtype::DType;
use nongemm_core::shape::{Dim, Shape};
use nongemm_core::tensor::HostData;
use nongemm_operators::{CopyInto, IndexAdd, IndexPut};

use crate::emit::{Emit, Emitter, Range, Tensor};
use crate::register_emit;

impl Emit for IndexPut {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let (x, index, values) = (&inputs[0], &inputs[1], &inputs[2]);
        let index = e.cast(index, DType::I64);
        let rows = index.shape().dims()[0].clone();
        let written = std::iter::once(rows).chain(x.shape().dims()[1..].iter().cloned());
        let written = Shape::new(written);
        let values = if *values.shape() == written {
            values.clone()
        } else {
            let rows = e.sizes(&index, 0, 1);
            let row = e.sizes(x, 1, x.rank());
            let sizes = match written.known() {
                Some(sizes) => {
                    let sizes: Vec<i64> = sizes.into_iter().map(|size| size as i64).collect();
                    e.ints(&sizes)
                }
                None if x.rank() == 1 => rows,
                None => e.join_sizes(&[&rows, &row]),
            };
            let spec = values.spec().with_shape(written);
            e.call("Expand", &[values, &sizes]).one(spec)
        };
        let points = e.unsqueeze(&index, 1);
        let call = e.call("ScatterND", &[x, &points, &values]);
        Ok(vec![call.one(x.spec().clone())])
    }
}

register_emit!(IndexPut);

/// By elements: rows that are named twice must get both sums.
impl Emit for IndexAdd {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let (x, index, source) = (&inputs[0], &inputs[1], &inputs[2]);
        let axis = x.shape().axis(self.dim)?;
        let index = e.cast(index, DType::I64);
        let mut dims = vec![Dim::Known(1); x.rank()];
        dims[axis] = index.shape().dims()[0].clone();
        let index = e.reshape(&index, &Shape::new(dims))?;
        let index = e.expand(&index, source.shape(), source);
        // ONNX Runtime does not add short numbers.
        let dtype = x.dtype();
        let wide = if dtype.is_float() && dtype.size() < 4 {
            DType::F32
        } else {
            dtype
        };
        let (x, source) = (e.cast(x, wide), e.cast(source, wide));
        let call = e.call("ScatterElements", &[&x, &index, &source]);
        let call = call.int("axis", axis as i64).text("reduction", "add");
        let sums = call.one(x.spec().clone());
        Ok(vec![e.cast(&sums, dtype)])
    }
}

register_emit!(IndexAdd);

/// What comes before the position, the position, what comes after it.
impl Emit for CopyInto {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let (source, whole) = (&inputs[1], &inputs[2]);
        let axis = whole.shape().axis(self.dim)?;
        let size = whole.spec().size(self.dim)?;
        let at = self.index as i64;
        let row = filled_row(e, source, whole, axis, at)?;
        let row = e.unsqueeze(&row, axis);
        let mut parts = Vec::with_capacity(3);
        if self.index > 0 {
            let before = Range::new(0, at);
            parts.push(e.slice(whole, axis, before, Dim::Known(self.index)));
        }
        parts.push(row);
        if self.index + 1 < size {
            let rest = Dim::Known(size - self.index - 1);
            parts.push(e.slice(whole, axis, Range::from(at + 1), rest));
        }
        let parts: Vec<&Tensor> = parts.iter().collect();
        Ok(vec![e.concat(&parts, axis, whole.shape())])
    }
}

register_emit!(CopyInto);

/// The position of `whole` with the source over its first elements.
fn filled_row(
    e: &mut Emitter,
    source: &Tensor,
    whole: &Tensor,
    axis: usize,
    at: i64,
) -> anyhow::Result<Tensor> {
    let mut rest = whole.shape().clone();
    rest.dims_mut().remove(axis);
    if *source.shape() == rest {
        return Ok(source.clone());
    }
    let old = e.pick(whole, axis, at)?;
    let pairs: Vec<(usize, usize)> = source
        .shape()
        .dims()
        .iter()
        .zip(rest.dims())
        // An open size is written whole.
        .map(|(part, all)| (part.known().unwrap_or(1), all.known().unwrap_or(1)))
        .collect();
    let behind = pairs.iter().map(|(part, all)| (all - part) as i64);
    let amounts: Vec<i64> = vec![0; pairs.len()].into_iter().chain(behind).collect();
    let amounts = e.ints(&amounts);
    let padded = e.call("Pad", &[source, &amounts]);
    let padded = padded.one(source.spec().with_shape(rest));
    let written = written(e, &pairs)?;
    e.choose(&written, &padded, &old)
}

/// Which elements of a tensor are among the first ones in every dimension.
fn written(e: &mut Emitter, pairs: &[(usize, usize)]) -> anyhow::Result<Tensor> {
    let sizes: Vec<usize> = pairs.iter().map(|(_, all)| *all).collect();
    let mask = (0..sizes.iter().product::<usize>()).map(|number| {
        let mut rest = number;
        let inside = pairs.iter().rev().all(|(part, all)| {
            let at = rest % all;
            rest /= all;
            at < *part
        });
        u8::from(inside)
    });
    e.elements(&sizes, HostData::Bool(mask.collect()))
}
