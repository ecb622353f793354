//! `clamp_min`, `linalg_vector_norm`.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{ClampMin, LinalgVectorNorm};

use crate::engine::{Tensor, Torch};
use crate::kernels::{missing, shim, single};
use crate::register_kernel;

impl Eval<Torch> for ClampMin {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_clamp_min(self.min))
    }
}

register_kernel!(ClampMin);

impl Eval<Torch> for LinalgVectorNorm {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        shim(missing::vector_norm(
            inputs[0],
            self.ord,
            &self.dim,
            self.keepdim,
        ))
    }
}

register_kernel!(LinalgVectorNorm);
