//! Table look-ups.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::Embedding;

use super::{single, wrong_inputs};
use crate::engine::{Tensor, Torch};
use crate::register_kernel;

/// No padding index, as Python's `F.embedding` passes it.
const NO_PADDING: i64 = -1;

impl Eval<Torch> for Embedding {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[weight, indices] = inputs else {
            return wrong_inputs("a table and indices", inputs);
        };
        single(tch::Tensor::f_embedding(
            weight, indices, NO_PADDING, false, false,
        ))
    }
}

register_kernel!(Embedding);
