//! What returns its input: no node at all.

use nongemm_core::dtype::DType;
use nongemm_core::shape::Shape;
use nongemm_operators::{CloneTensor, Contiguous, Identity, IsNonzero, Item, To};

use crate::emit::{Emit, Emitter, Tensor};
use crate::register_emit;

/// Values do not change, so a copy is the same.
impl Emit for CloneTensor {
    fn emit(&self, _: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        Ok(inputs.to_vec())
    }
}

register_emit!(CloneTensor);

impl Emit for Contiguous {
    fn emit(&self, _: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        Ok(inputs.to_vec())
    }
}

register_emit!(Contiguous);

impl Emit for Identity {
    fn emit(&self, _: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        Ok(inputs.to_vec())
    }
}

register_emit!(Identity);

impl Emit for To {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        Ok(vec![e.cast(&inputs[0], self.dtype)])
    }
}

register_emit!(To);

impl Emit for Item {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        Ok(vec![e.reshape(&inputs[0], &Shape::default())?])
    }
}

register_emit!(Item);

impl Emit for IsNonzero {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = e.reshape(&inputs[0], &Shape::default())?;
        Ok(vec![e.cast(&x, DType::Bool)])
    }
}

register_emit!(IsNonzero);
