//! `dropout`, which in inference is no node.

use nongemm_operators::Dropout;

use super::{Emit, Emitter, Tensor};
use crate::register_emit;

impl Emit for Dropout {
    fn emit(&self, _: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        Ok(inputs.to_vec())
    }
}

register_emit!(Dropout);
