//! Tensors joined: `cat`, `stack`, `roll`, `pad`.

use nongemm_core::shape::Dim;
use nongemm_operators::{Cat, Pad, Roll, Stack};

use crate::emit::{Emit, Emitter, Range, Tensor};
use crate::register_emit;

impl Emit for Cat {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let axis = inputs[0].shape().axis(self.dim)?;
        let parts: Vec<&Tensor> = inputs.iter().collect();
        let shape = e.output(0).shape;
        Ok(vec![e.concat(&parts, axis, &shape)])
    }
}

register_emit!(Cat);

impl Emit for Stack {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let shape = e.output(0).shape;
        let axis = shape.axis(self.dim)?;
        let parts: Vec<Tensor> = inputs.iter().map(|x| e.unsqueeze(x, axis)).collect();
        let parts: Vec<&Tensor> = parts.iter().collect();
        Ok(vec![e.concat(&parts, axis, &shape)])
    }
}

register_emit!(Stack);

/// The end of each dimension in front of its beginning.
impl Emit for Roll {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let mut x = inputs[0].clone();
        for (&shift, &dim) in self.shifts.iter().zip(&self.dims) {
            let axis = x.shape().axis(dim)?;
            let size = x.spec().size(dim)? as i64;
            let shift = if size == 0 { 0 } else { shift.rem_euclid(size) };
            if shift == 0 {
                continue;
            }
            let at = size - shift;
            let known = |size: i64| Dim::Known(size.unsigned_abs() as usize);
            let end = e.slice(&x, axis, Range::from(at), known(shift));
            let beginning = e.slice(&x, axis, Range::new(0, at), known(at));
            let shape = x.shape().clone();
            x = e.concat(&[&end, &beginning], axis, &shape);
        }
        Ok(vec![x])
    }
}

register_emit!(Roll);

impl Emit for Pad {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let (x, spec) = (&inputs[0], e.output(0));
        if self.pad.iter().all(|&amount| amount == 0) {
            return Ok(vec![x.clone()]);
        }
        let rank = x.rank();
        let mut amounts = vec![0; 2 * rank];
        for (i, pair) in self.pad.chunks_exact(2).enumerate() {
            let axis = rank - 1 - i;
            amounts[axis] = pair[0];
            amounts[rank + axis] = pair[1];
        }
        let amounts = e.ints(&amounts);
        let value = if self.value == 0.0 {
            Tensor::none()
        } else {
            e.number(self.value, x.dtype())?
        };
        let call = e.call("Pad", &[x, &amounts, &value]);
        Ok(vec![call.one(spec)])
    }
}

register_emit!(Pad);
