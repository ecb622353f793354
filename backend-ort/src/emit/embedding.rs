//! `embedding`.

use nongemm_operators::Embedding;

use super::{Emit, Emitter, Tensor};
use crate::register_emit;

impl Emit for Embedding {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let indices = e.index(&inputs[1]);
        let spec = e.output(0);
        Ok(vec![e.call("Gather", &[&inputs[0], &indices]).one(spec)])
    }
}

register_emit!(Embedding);
