//! Attention, and the decoder: queries that look at each other and at the photograph.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_operators as ops;
use nongemm_operators::layers;

use super::{Detr, EPS};
use crate::settings::signed;

/// Heads of all attention layers.
#[derive(Clone, Copy)]
pub(super) struct Attention {
    pub(super) batch: usize,
    pub(super) hidden: usize,
    /// Width of one head.
    pub(super) width: usize,
}

/// What a decoder looks at.
pub(super) struct Keys {
    pub(super) memory: Value,
    pub(super) position: Value,
    pub(super) mask: Option<Value>,
    pub(super) tokens: usize,
}

impl Attention {
    /// Of rows to each other. Positions are added to queries and keys, not to values.
    pub(super) fn own(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        position: Value,
        tokens: usize,
        mask: Option<Value>,
    ) -> Result<Value, BuildError> {
        let placed = ops::add(g, x, position)?;
        self.attend(g, [placed, placed, x], [tokens; 2], mask)
    }

    /// Of queries to the photograph.
    fn cross(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        position: Value,
        queries: usize,
        keys: &Keys,
    ) -> Result<Value, BuildError> {
        let x = ops::add(g, x, position)?;
        let placed = ops::add(g, keys.memory, keys.position)?;
        let sizes = [queries, keys.tokens];
        self.attend(g, [x, placed, keys.memory], sizes, keys.mask)
    }

    fn attend(
        &self,
        g: &mut GraphBuilder,
        [query, key, value]: [Value; 3],
        [queries, keys]: [usize; 2],
        mask: Option<Value>,
    ) -> Result<Value, BuildError> {
        let query = self.project(g, "q_proj", query, queries)?;
        let key = self.project(g, "k_proj", key, keys)?;
        let value = self.project(g, "v_proj", value, keys)?;
        let key = ops::transpose(g, key, 2, 3)?;
        let scores = ops::matmul(g, query, key)?;
        let scale = (self.width as f64).powf(-0.5);
        let mut scores = ops::mul_scalar(g, scores, scale)?;
        if let Some(mask) = mask {
            scores = ops::add(g, scores, mask)?;
        }
        let scores = ops::softmax(g, scores, -1)?;
        let scores = ops::dropout(g, scores, 0.0)?;
        let x = ops::matmul(g, scores, value)?;
        let x = ops::transpose(g, x, 1, 2)?;
        let x = ops::contiguous(g, x)?;
        let x = ops::reshape(g, x, &[signed(self.batch), signed(queries), -1])?;
        layers::linear(g, "o_proj", x, self.hidden, self.hidden, true)
    }

    /// Split into heads, `[batch, heads, tokens, width]`.
    fn project(
        &self,
        g: &mut GraphBuilder,
        name: &str,
        x: Value,
        tokens: usize,
    ) -> Result<Value, BuildError> {
        let x = layers::linear(g, name, x, self.hidden, self.hidden, true)?;
        let size = [self.batch, tokens, 0, self.width].map(signed);
        let x = ops::view(g, x, &[size[0], size[1], -1, size[3]])?;
        ops::transpose(g, x, 1, 2)
    }
}

impl Detr {
    /// The answers `[batch, queries, hidden]`.
    pub(super) fn decoder(
        &self,
        g: &mut GraphBuilder,
        mut x: Value,
        position: Value,
        keys: &Keys,
    ) -> Result<Value, BuildError> {
        let (queries, hidden) = (self.sizes.queries, self.sizes.hidden);
        let attention = Attention {
            batch: self.batch,
            hidden,
            width: self.width,
        };
        for layer in 0..self.sizes.decoder_layers {
            x = g.scope(&format!("layers.{layer}"), |g| {
                let y = g.scope("self_attn", |g| {
                    attention.own(g, x, position, queries, None)
                })?;
                let x = self.residual(g, "self_attn_layer_norm", x, y, true)?;
                let y = g.scope("encoder_attn", |g| {
                    attention.cross(g, x, position, queries, keys)
                })?;
                let x = self.residual(g, "encoder_attn_layer_norm", x, y, true)?;
                let y = g.scope("mlp", |g| self.mlp(g, x))?;
                self.residual(g, "final_layer_norm", x, y, false)
            })?;
        }
        layers::layer_norm(g, "layernorm", x, &[hidden], EPS)
    }
}
