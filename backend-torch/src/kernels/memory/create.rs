//! New tensors, and tensors of another type.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Arange, Full, FullKind, To};

use crate::convert;
use crate::engine::{Tensor, Torch};
use crate::kernels::{missing, shim, single, sizes};
use crate::register_kernel;

impl Eval<Torch> for Arange {
    fn eval(&self, engine: &Torch, _: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let range = [self.start, self.end, self.step];
        shim(missing::arange(engine, range, self.dtype))
    }
}

register_kernel!(Arange);

impl Eval<Torch> for Full {
    fn eval(&self, engine: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let size = sizes(&self.size);
        let options = (convert::to_torch(self.dtype)?, engine.device());
        match self.kind {
            FullKind::Full => shim(missing::full(engine, &size, self.value, self.dtype)),
            FullKind::Empty => shim(missing::written(engine, &size, self.value, self.dtype)),
            FullKind::Zeros => single(tch::Tensor::f_zeros(&size[..], options)),
            FullKind::Ones => single(tch::Tensor::f_ones(&size[..], options)),
            FullKind::NewZeros => single(inputs[0].f_new_zeros(&size[..], options)),
            FullKind::NewOnes => single(inputs[0].f_new_ones(&size[..], options)),
        }
    }
}

register_kernel!(Full);

/// To the engine's device too: what the host has written ([`FullKind::Empty`]) gets there this way.
impl Eval<Torch> for To {
    fn eval(&self, engine: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (non_blocking, copy) = (false, false);
        let dtype = convert::to_torch(self.dtype)?;
        single(inputs[0].f_to_device_(engine.device(), dtype, non_blocking, copy))
    }
}

register_kernel!(To);
