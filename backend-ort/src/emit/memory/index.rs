//! Elements chosen by indices and masks: `index`, `gather`, `index_select`.

use nongemm_core::dtype::DType;
use nongemm_core::shape::{Dim, Shape};
use nongemm_operators::{Gather, Index, IndexSelect};

use crate::emit::{Emit, Emitter, Tensor};
use crate::register_emit;

impl Emit for IndexSelect {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        let axis = x.shape().axis(self.dim)?;
        let index = e.index(&inputs[1]);
        let spec = e.output(0);
        let call = e.call("Gather", &[x, &index]);
        Ok(vec![call.int("axis", axis as i64).one(spec)])
    }
}

register_emit!(IndexSelect);

impl Emit for Gather {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        let axis = x.shape().axis(self.dim)?;
        let index = e.index(&inputs[1]);
        let spec = e.output(0);
        let call = e.call("GatherElements", &[x, &index]);
        Ok(vec![call.int("axis", axis as i64).one(spec)])
    }
}

register_emit!(Gather);

impl Emit for Index {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let (x, spec) = (&inputs[0], e.output(0));
        match &inputs[1..] {
            [mask] if mask.dtype() == DType::Bool => Ok(vec![masked(e, x, mask)?]),
            [index] => {
                let index = e.index(index);
                Ok(vec![e.call("Gather", &[x, &index]).one(spec)])
            }
            indices => {
                let points = points(e, indices)?;
                Ok(vec![e.call("GatherND", &[x, &points]).one(spec)])
            }
        }
    }
}

register_emit!(Index);

/// The leading dimensions, which the mask covers, as one.
fn masked(e: &mut Emitter, x: &Tensor, mask: &Tensor) -> anyhow::Result<Tensor> {
    let spec = e.output(0);
    let covered = Shape::new(x.shape().dims()[..mask.rank()].iter().cloned());
    let (x, mask) = if mask.rank() == 1 {
        (x.clone(), mask.clone())
    } else {
        let rows = covered.elements().map_or(Dim::symbol("rows"), Dim::Known);
        let rest = x.shape().dims()[mask.rank()..].iter().cloned();
        let shape = Shape::new(std::iter::once(rows.clone()).chain(rest));
        (e.reshape(x, &shape)?, e.reshape(mask, &Shape::new([rows]))?)
    };
    let call = e.call("Compress", &[&x, &mask]);
    Ok(call.int("axis", 0).one(spec))
}

/// Index tensors that broadcast, as coordinates in a last dimension.
fn points(e: &mut Emitter, indices: &[Tensor]) -> anyhow::Result<Tensor> {
    let mut shape = Shape::default();
    for index in indices {
        shape = shape.broadcast(index.shape())?;
    }
    let mut columns = Vec::with_capacity(indices.len());
    for index in indices {
        let mut column = e.cast(index, DType::I64);
        // Each of the others may have sizes that this one lacks.
        for other in indices {
            if *column.shape() != shape {
                let wider = column.shape().broadcast(other.shape())?;
                if wider != *column.shape() {
                    let sizes = e.sizes(other, 0, other.rank());
                    let spec = column.spec().with_shape(wider);
                    column = e.call("Expand", &[&column, &sizes]).one(spec);
                }
            }
        }
        let last = column.rank();
        columns.push(e.unsqueeze(&column, last));
    }
    let axis = shape.rank();
    shape.dims_mut().push(Dim::Known(indices.len()));
    let columns: Vec<&Tensor> = columns.iter().collect();
    Ok(e.concat(&columns, axis, &shape))
}
