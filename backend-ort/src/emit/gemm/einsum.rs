//! `einsum`.

use nongemm_operators::Einsum;

use crate::emit::{Emit, Emitter, Tensor};
use crate::register_emit;

impl Emit for Einsum {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let spec = e.output(0);
        let call = e.call("Einsum", &[&inputs[0], &inputs[1]]);
        Ok(vec![call.text("equation", &self.equation).one(spec)])
    }
}

register_emit!(Einsum);
