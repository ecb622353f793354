//! Fused attention.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::ScaledDotProductAttention;

use super::{optional, single, wrong_inputs};
use crate::engine::{Tensor, Torch};
use crate::register_kernel;

/// libtorch chooses among its implementations, as it does for Python.
impl Eval<Torch> for ScaledDotProductAttention {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[query, key, value, ..] = inputs else {
            return wrong_inputs("query, key, value and at most a mask", inputs);
        };
        let (mask, dropout, grouped) = (optional(inputs, 3), 0.0, false);
        single(tch::Tensor::f_scaled_dot_product_attention(
            query,
            key,
            value,
            mask,
            dropout,
            self.is_causal,
            self.scale,
            grouped,
        ))
    }
}

register_kernel!(ScaledDotProductAttention);
