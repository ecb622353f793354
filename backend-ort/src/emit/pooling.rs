//! Pooling.

use nongemm_core::shape::{Dim, Shape};
use nongemm_core::tensor::HostData;
use nongemm_operators::{AdaptiveAvgPool1d, AdaptiveAvgPool2d, AvgPool2d, MaxPool2d};

use super::{Emit, Emitter, Tensor};
use crate::register_emit;

fn sizes(pair: [usize; 2]) -> impl Iterator<Item = i64> {
    pair.into_iter().map(|size| size as i64)
}

impl Emit for MaxPool2d {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let spec = e.output(0);
        let call = e
            .call("MaxPool", &[&inputs[0]])
            .ints("kernel_shape", sizes(self.kernel_size))
            .ints("strides", sizes(self.stride))
            .ints("pads", sizes(self.padding).chain(sizes(self.padding)))
            .ints("dilations", sizes(self.dilation));
        Ok(vec![call.one(spec)])
    }
}

register_emit!(MaxPool2d);

impl Emit for AvgPool2d {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let spec = e.output(0);
        let call = e
            .call("AveragePool", &[&inputs[0]])
            .ints("kernel_shape", sizes(self.kernel_size))
            .ints("strides", sizes(self.stride))
            .ints("pads", sizes(self.padding).chain(sizes(self.padding)))
            .int("count_include_pad", self.count_include_pad.into());
        Ok(vec![call.one(spec)])
    }
}

register_emit!(AvgPool2d);

impl Emit for AdaptiveAvgPool1d {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        adaptive(e, &inputs[0], &self.output_size)
    }
}

register_emit!(AdaptiveAvgPool1d);

impl Emit for AdaptiveAvgPool2d {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        adaptive(e, &inputs[0], &self.output_size)
    }
}

register_emit!(AdaptiveAvgPool2d);

/// One mean of everything; windows of one size; or, where windows overlap or differ, a product with a matrix of
/// means for each dimension.
fn adaptive(e: &mut Emitter, x: &Tensor, wanted: &[usize]) -> anyhow::Result<Vec<Tensor>> {
    let spec = e.output(0);
    let sizes = (2..x.rank()).map(|axis| x.spec().size(axis as i64));
    let sizes: Vec<usize> = sizes.collect::<Result<_, _>>()?;
    if wanted.iter().all(|&size| size == 1) {
        let axes: Vec<i64> = (2..x.rank()).map(|axis| axis as i64).collect();
        let axes = e.ints(&axes);
        return Ok(vec![e.call("ReduceMean", &[x, &axes]).one(spec)]);
    }
    if sizes == wanted {
        return Ok(vec![x.clone()]);
    }
    let even = sizes
        .iter()
        .zip(wanted)
        .all(|(size, &to)| to > 0 && size % to == 0);
    if even {
        let windows = sizes
            .iter()
            .zip(wanted)
            .map(|(size, to)| (size / to) as i64);
        let call = e.call("AveragePool", &[x]);
        let call = call.ints("kernel_shape", windows.clone());
        return Ok(vec![call.ints("strides", windows).one(spec)]);
    }
    let mut y = x.clone();
    for (i, (&size, &to)) in sizes.iter().zip(wanted).enumerate() {
        y = means(e, &y, i + 2, size, to)?;
    }
    Ok(vec![y])
}

/// `⌊i size / to⌋` to `⌈(i + 1) size / to⌉` of a dimension as element `i`.
fn means(
    e: &mut Emitter,
    x: &Tensor,
    axis: usize,
    size: usize,
    to: usize,
) -> anyhow::Result<Tensor> {
    let last = axis + 1 == x.rank();
    let mut matrix = vec![0f64; size * to];
    for i in 0..to {
        let window = (i * size / to)..((i + 1) * size).div_ceil(to);
        let share = 1.0 / window.len().max(1) as f64;
        for j in window {
            matrix[if last { j * to + i } else { i * size + j }] = share;
        }
    }
    let shape = if last { [size, to] } else { [to, size] };
    let matrix = e.elements(&shape, HostData::F64(matrix).to_float(x.dtype()))?;
    let mut dims = x.shape().dims().to_vec();
    dims[axis] = Dim::Known(to);
    let spec = x.spec().with_shape(Shape::new(dims));
    let operands = if last { [x, &matrix] } else { [&matrix, x] };
    Ok(e.call("MatMul", &operands).one(spec))
}
