//! `sort`, `topk`, `_unique2`, `cumsum`.

use nongemm_core::dtype::DType;
use nongemm_core::tensor::HostData;
use nongemm_operators::{Cumsum, Sort, Topk, Unique};

use crate::emit::convert::arithmetic;
use crate::emit::{Emit, Emitter, Tensor};
use crate::register_emit;

/// The first `count` elements of a dimension in order, and their positions; equal ones keep their order.
fn first(e: &mut Emitter, x: &Tensor, count: &Tensor, axis: usize, largest: bool) -> Vec<Tensor> {
    let dtype = x.dtype();
    let x = e.cast(x, arithmetic(dtype));
    let (mut values, places) = (e.output(0), e.output(1));
    values.dtype = x.dtype();
    let call = e
        .call("TopK", &[&x, count])
        .int("axis", axis as i64)
        .int("largest", largest.into())
        .int("sorted", 1);
    let mut outputs = call.several(vec![values, places]);
    outputs[0] = e.cast(&outputs[0], dtype);
    outputs
}

/// Tensors without dimensions are in order.
fn alone(e: &mut Emitter, x: &Tensor) -> anyhow::Result<Vec<Tensor>> {
    Ok(vec![x.clone(), e.number(0.0, DType::I64)?])
}

impl Emit for Sort {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        if x.rank() == 0 {
            return alone(e, x);
        }
        let axis = x.shape().axis(self.dim)?;
        let count = e.sizes(x, axis, axis + 1);
        Ok(first(e, x, &count, axis, self.descending))
    }
}

register_emit!(Sort);

impl Emit for Topk {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        if x.rank() == 0 {
            return alone(e, x);
        }
        let axis = x.shape().axis(self.dim)?;
        let count = e.ints(&[self.k as i64]);
        Ok(first(e, x, &count, axis, true))
    }
}

register_emit!(Topk);

impl Emit for Unique {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let spec = e.output(0);
        let call = e.call("Unique", &[&inputs[0]]).int("sorted", 1);
        let values = call.one(spec);
        let nothing = e.elements(&[0], HostData::I64(Vec::new()))?;
        Ok(vec![values, nothing.clone(), nothing])
    }
}

register_emit!(Unique);

impl Emit for Cumsum {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let dtype = e.output(0).dtype;
        let x = e.cast(&inputs[0], arithmetic(dtype));
        if x.rank() == 0 {
            return Ok(vec![e.cast(&x, dtype)]);
        }
        let axis = x.shape().axis(self.dim)?;
        let axis = e.number(axis as f64, DType::I64)?;
        let sums = e.call("CumSum", &[&x, &axis]).one(x.spec().clone());
        Ok(vec![e.cast(&sums, dtype)])
    }
}

register_emit!(Cumsum);
