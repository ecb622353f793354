//! What does nothing.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::Dropout;

use super::single;
use crate::engine::{Tensor, Torch};
use crate::register_kernel;

impl Eval<Torch> for Dropout {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_dropout(self.p, false))
    }
}

register_kernel!(Dropout);
