//! Parts of tensors: `slice`, `select`, `split`, `unbind`, ...

use nongemm_core::shape::{Dim, Shape};
use nongemm_operators::{Chunk, Select, Slice, Split, SplitWithSizes, Unbind};

use crate::emit::{Emit, Emitter, Range, Tensor};
use crate::register_emit;

impl Emit for Slice {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let (x, spec) = (&inputs[0], e.output(0));
        let axis = x.shape().axis(self.dim)?;
        let size = spec.shape.dims()[axis].clone();
        let whole = self.start == 0 && self.end.is_none() && self.step == 1;
        if whole || (size == x.shape().dims()[axis] && size.known().is_some()) {
            return Ok(vec![x.clone()]);
        }
        let range = Range {
            start: self.start,
            end: self.end.unwrap_or(i64::MAX),
            step: self.step as i64,
        };
        Ok(vec![e.slice(x, axis, range, size)])
    }
}

register_emit!(Slice);

impl Emit for Select {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let axis = inputs[0].shape().axis(self.dim)?;
        Ok(vec![e.pick(&inputs[0], axis, self.index)?])
    }
}

register_emit!(Select);

/// Cuts a dimension into the pieces that the graph infers, whose sizes are in the vector `sizes`.
fn pieces(
    e: &mut Emitter,
    x: &Tensor,
    dim: i64,
    sizes: Option<Tensor>,
    count: usize,
) -> anyhow::Result<Vec<Tensor>> {
    let axis = x.shape().axis(dim)?;
    if count == 1 {
        return Ok(vec![x.known_as(e.output(0).shape)]);
    }
    let specs: Vec<_> = (0..count).map(|i| e.output(i)).collect();
    let sizes = match sizes {
        Some(sizes) => sizes,
        None => {
            let known = specs.iter().map(|spec| spec.size(dim));
            let known = known.map(|size| Ok(size? as i64));
            e.ints(&known.collect::<anyhow::Result<Vec<i64>>>()?)
        }
    };
    let call = e.call("Split", &[x, &sizes]);
    Ok(call.int("axis", axis as i64).several(specs))
}

impl Emit for Chunk {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let count = e.outputs();
        pieces(e, &inputs[0], self.dim, None, count)
    }
}

register_emit!(Chunk);

impl Emit for Split {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let count = e.outputs();
        pieces(e, &inputs[0], self.dim, None, count)
    }
}

register_emit!(Split);

impl Emit for SplitWithSizes {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let count = e.outputs();
        if !self.split_sizes.is_empty() || count == 1 {
            return pieces(e, &inputs[0], self.dim, None, count);
        }
        let sizes: Vec<Tensor> = inputs[1..].iter().map(|x| e.sizes(x, 0, 1)).collect();
        let sizes: Vec<&Tensor> = sizes.iter().collect();
        let sizes = e.join_sizes(&sizes);
        pieces(e, &inputs[0], self.dim, Some(sizes), count)
    }
}

register_emit!(SplitWithSizes);

impl Emit for Unbind {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        let axis = x.shape().axis(self.dim)?;
        let count = e.outputs();
        if self
            .count
            .is_some_and(|count| x.shape().dims()[axis] != Dim::Known(count))
        {
            return elements(e, x, axis, count);
        }
        (0..count).map(|i| e.pick(x, axis, i as i64)).collect()
    }
}

register_emit!(Unbind);

/// The first `count` elements of a dimension that may have fewer: then the last one again, or zeros if there
/// is none.
fn elements(e: &mut Emitter, x: &Tensor, axis: usize, count: usize) -> anyhow::Result<Vec<Tensor>> {
    let size = e.size(x, axis)?;
    let mut dims = x.shape().dims().to_vec();
    dims[axis] = Dim::Known(1);
    let one = Shape::new(dims);
    let sizes = one.clone();
    let parts = [
        e.sizes(x, 0, axis),
        e.ints(&[1]),
        e.sizes(x, axis + 1, x.rank()),
    ];
    let sizes = match sizes.known() {
        Some(sizes) => {
            let sizes: Vec<i64> = sizes.into_iter().map(|size| size as i64).collect();
            e.ints(&sizes)
        }
        None => e.join_sizes(&[&parts[0], &parts[1], &parts[2]]),
    };
    let zeros = e.full(&sizes, 0.0, x.spec().with_shape(one))?;
    let longer = e.concat(&[x, &zeros], axis, x.shape());
    let unit = e.number(1.0, size.dtype())?;
    let zero = e.number(0.0, size.dtype())?;
    let last = e.zip("Sub", &size, &unit)?;
    let last = e.zip("Max", &last, &zero)?;
    let mut outputs = Vec::with_capacity(count);
    for i in 0..count {
        let wanted = e.number(i as f64, size.dtype())?;
        let at = e.zip("Min", &wanted, &last)?;
        let spec = e.output(i);
        let call = e.call("Gather", &[&longer, &at]);
        outputs.push(call.int("axis", axis as i64).one(spec));
    }
    Ok(outputs)
}
