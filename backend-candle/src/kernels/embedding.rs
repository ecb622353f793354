//! Table look-ups.

use candle_core::Tensor;
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::Embedding;

use super::memory::ids;
use super::one;
use crate::engine::Candle;
use crate::register_kernel;

/// As `candle_nn::Embedding` computes it.
impl Eval<Candle> for Embedding {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[weight, indices] = inputs else {
            anyhow::bail!("takes 2 inputs, got {}", inputs.len());
        };
        let rows = weight.index_select(&ids(indices)?.flatten_all()?, 0)?;
        one(rows.reshape([indices.dims(), &weight.dims()[1..]].concat()))
    }
}

register_kernel!(Embedding);
