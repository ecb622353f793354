//! The Swin transformer as MaskFormer's own code runs it: calls and module names differ from the classifier's,
//! a single window is shifted too, and every stage's map is normalized.

use nongemm_core::graph::{BuildError, GraphBuilder, Init, Value};
use nongemm_core::tensor::HostData;
use nongemm_operators as ops;
use nongemm_operators::{Conv2d, layers};

use super::EPS;
use crate::attention::{Attention, Function};
use crate::constant::constant;
use crate::layout::{dense, sizes};
use crate::settings::signed;
use crate::swin::{merge_patches, relative_position_index, windows};

const DROPOUT: f64 = 0.0;

pub(super) struct Backbone {
    pub(super) batch: usize,
    pub(super) image: usize,
    pub(super) channels: usize,
    pub(super) patch: usize,
    pub(super) stages: [usize; 4],
    pub(super) hidden: usize,
    pub(super) heads: [usize; 4],
    pub(super) window: usize,
    pub(super) mlp_ratio: usize,
}

/// A block of one stage.
struct Block {
    side: usize,
    hidden: usize,
    heads: usize,
    shift: usize,
}

impl Backbone {
    /// The map of every stage, `[batch, features, side, side]`.
    pub(super) fn build(
        &self,
        g: &mut GraphBuilder,
        pixels: Value,
    ) -> Result<Vec<Value>, BuildError> {
        let stages = g.scope("model", |g| self.model(g, pixels))?;
        let mut maps = Vec::new();
        for (index, (x, side)) in stages.into_iter().enumerate() {
            let hidden = self.hidden << index;
            let name = format!("hidden_states_norms.{index}");
            let x = layers::layer_norm(g, &name, x, &[hidden], EPS)?;
            let x = ops::permute(g, x, &[0, 2, 1])?;
            let x = ops::view(g, x, &[self.batch, hidden, side, side].map(signed))?;
            maps.push(dense(g, x, &[0, 3, 1, 2])?);
        }
        Ok(maps)
    }

    /// The tokens of every stage before they are merged, and their side.
    fn model(
        &self,
        g: &mut GraphBuilder,
        pixels: Value,
    ) -> Result<Vec<(Value, usize)>, BuildError> {
        let mut x = g.scope("embeddings", |g| {
            let x = g.scope("patch_embeddings", |g| self.patches(g, pixels))?;
            let x = layers::layer_norm(g, "norm", x, &[self.hidden], EPS)?;
            g.scope("dropout", |g| ops::dropout(g, x, DROPOUT))
        })?;
        let mut side = self.image.div_ceil(self.patch);
        let mut stages = Vec::new();
        for stage in 0..self.stages.len() {
            let hidden = self.hidden << stage;
            x = g.scope(&format!("encoder.layers.{stage}"), |g| {
                for index in 0..self.stages[stage] {
                    let block = Block {
                        side,
                        hidden,
                        heads: self.heads[stage],
                        shift: if index % 2 == 1 { self.window / 2 } else { 0 },
                    };
                    x = g.scope(&format!("blocks.{index}"), |g| self.block(g, x, &block))?;
                }
                stages.push((x, side));
                if stage + 1 == self.stages.len() {
                    return Ok(x);
                }
                let x = g.scope("downsample", |g| merge_patches(g, x, side, hidden))?;
                side = side.div_ceil(2);
                Ok::<_, BuildError>(x)
            })?;
        }
        // Pooled features, which nothing reads here.
        let hidden = self.hidden << (self.stages.len() - 1);
        let x = layers::layer_norm(g, "layernorm", x, &[hidden], EPS)?;
        let x = ops::transpose(g, x, 1, 2)?;
        let x = g.scope("pooler", |g| ops::adaptive_avg_pool1d(g, x, 1))?;
        ops::flatten(g, x, 1, -1)?;
        Ok(stages)
    }

    fn patches(&self, g: &mut GraphBuilder, mut x: Value) -> Result<Value, BuildError> {
        let missing = signed(self.image.next_multiple_of(self.patch) - self.image);
        if missing > 0 {
            x = ops::pad(g, x, &[0, missing], 0.0)?;
            x = ops::pad(g, x, &[0, 0, 0, missing], 0.0)?;
        }
        let patch = [self.patch; 2];
        let conv = Conv2d {
            stride: patch,
            ..Conv2d::default()
        };
        let channels = [self.channels, self.hidden];
        let x = layers::conv2d(g, "projection", x, channels, patch, conv, true)?;
        let x = ops::flatten(g, x, 2, -1)?;
        ops::transpose(g, x, 1, 2)
    }

    fn block(&self, g: &mut GraphBuilder, x: Value, block: &Block) -> Result<Value, BuildError> {
        let (hidden, inner) = (block.hidden, self.mlp_ratio * block.hidden);
        let y = layers::layer_norm(g, "layernorm_before", x, &[hidden], EPS)?;
        let y = self.window_attention(g, y, block)?;
        let x = ops::add(g, x, y)?;
        let y = layers::layer_norm(g, "layernorm_after", x, &[hidden], EPS)?;
        let y = g.scope("intermediate", |g| {
            let y = layers::linear(g, "dense", y, hidden, inner, true)?;
            g.scope("intermediate_act_fn", |g| ops::gelu(g, y))
        })?;
        let y = g.scope("output", |g| projected(g, y, inner, hidden))?;
        ops::add(g, x, y)
    }

    fn window_attention(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        block: &Block,
    ) -> Result<Value, BuildError> {
        let (side, window) = (block.side, self.window);
        let shape = [self.batch, side, side, block.hidden].map(signed);
        let padded = side.next_multiple_of(window);
        let (missing, shift) = (signed(padded - side), signed(block.shift));
        let x = ops::view(g, x, &shape)?;
        let mut x = ops::pad(g, x, &[0, 0, 0, missing, 0, missing], 0.0)?;
        if shift > 0 {
            x = ops::roll(g, x, &[-shift, -shift], &[1, 2])?;
        }
        x = windows::partition(g, x, window)?;
        let mask = if shift > 0 {
            let mask = windows::mask(g, padded, window, block.shift)?;
            Some(ops::to(g, mask, g.dtype())?)
        } else {
            None
        };
        x = g.scope("attention", |g| {
            let x = g.scope("self", |g| self.attention(g, x, block.heads, mask))?;
            g.scope("output", |g| projected(g, x, block.hidden, block.hidden))
        })?;
        x = windows::join(g, x, window, padded)?;
        if shift > 0 {
            x = ops::roll(g, x, &[shift, shift], &[1, 2])?;
        }
        if missing > 0 {
            x = ops::slice(g, x, 1, 0, Some(signed(side)))?;
            x = ops::slice(g, x, 2, 0, Some(signed(side)))?;
            x = ops::contiguous(g, x)?;
        }
        ops::view(g, x, &[shape[0], signed(side * side), shape[3]])
    }

    /// Attention in `[batch windows, window², hidden]`.
    fn attention(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        heads: usize,
        mask: Option<Value>,
    ) -> Result<Value, BuildError> {
        let [count, tokens, hidden] = sizes(g, x)?;
        let attention = Attention::new(Function::Eager, hidden, heads, [count, tokens])?;
        let mut project = |name| {
            let y = layers::linear(g, name, x, hidden, hidden, true)?;
            attention.split(g, y)
        };
        let [query, key, value] = [project("query")?, project("key")?, project("value")?];
        let keys = ops::transpose(g, key, -1, -2)?;
        let scores = ops::matmul(g, query, keys)?;
        let scores = ops::div_scalar(g, scores, ((hidden / heads) as f64).sqrt())?;
        let bias = self.position_bias(g, heads)?;
        let mut scores = ops::add(g, scores, bias)?;
        if let Some(mask) = mask {
            let windows = count / self.batch;
            let split = [self.batch, windows, heads, tokens, tokens].map(signed);
            scores = ops::view(g, scores, &split)?;
            let mask = ops::unsqueeze(g, mask, 1)?;
            let mask = ops::unsqueeze(g, mask, 0)?;
            scores = ops::add(g, scores, mask)?;
            scores = ops::view(g, scores, &[-1, split[2], split[3], split[4]])?;
        }
        let weights = ops::softmax(g, scores, -1)?;
        let weights = g.scope("dropout", |g| ops::dropout(g, weights, DROPOUT))?;
        let x = ops::matmul(g, weights, value)?;
        let x = ops::permute(g, x, &[0, 2, 1, 3])?;
        let x = dense(g, x, &[0, 2, 1, 3])?;
        ops::view(g, x, &[count, tokens, hidden].map(signed))
    }

    /// `[1, heads, window², window²]`, looked up by the distance of two tokens.
    fn position_bias(&self, g: &mut GraphBuilder, heads: usize) -> Result<Value, BuildError> {
        let (reach, tokens) = (2 * self.window - 1, self.window * self.window);
        let table = [reach * reach, heads];
        let init = Init::around(0.0, 0.5);
        let table = g.param("relative_position_bias_table", table, init)?;
        let rows = HostData::I64(relative_position_index(self.window));
        let index = constant(g, "relative_position_index", [tokens, tokens], rows)?;
        let index = ops::view(g, index, &[-1])?;
        let bias = ops::index(g, table, &[index])?;
        let bias = ops::view(g, bias, &[signed(tokens), signed(tokens), -1])?;
        let bias = ops::permute(g, bias, &[2, 0, 1])?;
        let bias = dense(g, bias, &[2, 0, 1])?;
        ops::unsqueeze(g, bias, 0)
    }
}

fn projected(g: &mut GraphBuilder, x: Value, from: usize, to: usize) -> Result<Value, BuildError> {
    let x = layers::linear(g, "dense", x, from, to, true)?;
    g.scope("dropout", |g| ops::dropout(g, x, DROPOUT))
}
