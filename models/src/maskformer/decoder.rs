//! The transformer decoder: learned queries that look at the smallest feature map.

use nongemm_core::graph::{BuildError, GraphBuilder, Init, Value};
use nongemm_operators as ops;
use nongemm_operators::{Arange, BinaryKind, Slice, layers};

use super::EPS;
use crate::attention::{Attention, Function};
use crate::layout::sizes;
use crate::settings::signed;

const DROPOUT: f64 = 0.1;
const TEMPERATURE: f64 = 10000.0;
/// Keeps quotients finite.
const TINY: f64 = 1e-6;

pub(super) struct Decoder {
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) intermediate: usize,
    pub(super) queries: usize,
    pub(super) width: usize,
}

/// What every layer looks at.
struct Memory {
    /// The map's places `[batch, places, width]`.
    image: Value,
    /// Their positions.
    positions: Value,
    /// The queries' positions `[batch, queries, width]`.
    queries: Value,
}

impl Decoder {
    /// What the queries have found in a map `[batch, channels, h, w]`: `[batch, queries, width]`.
    pub(super) fn build(&self, g: &mut GraphBuilder, map: Value) -> Result<Value, BuildError> {
        let width = self.width;
        let [batch, channels, height, columns] = sizes(g, map)?;
        let queries = g.scope("queries_embedder", |g| {
            g.param("weight", [self.queries, width], Init::std(1.0))
        })?;
        // The reference projects only where the widths differ.
        let map = if channels == width {
            map
        } else {
            let plain = nongemm_operators::Conv2d::default();
            let channels = [channels, width];
            layers::conv2d(g, "input_projection", map, channels, [1, 1], plain, true)?
        };
        let queries = ops::unsqueeze(g, queries, 0)?;
        let queries = ops::repeat(g, queries, &[batch, 1, 1])?;
        let mut x = ops::zeros_like(g, queries, g.dtype())?;
        let positions = g.scope("position_embedder", |g| {
            self.positions(g, [batch, height, columns])
        })?;
        let places = [batch, width, height * columns].map(signed);
        let positions = ops::view(g, positions, &places)?;
        let positions = ops::transpose(g, positions, 1, 2)?;
        let image = ops::view(g, map, &places)?;
        let image = ops::transpose(g, image, 1, 2)?;
        let memory = Memory {
            image,
            positions,
            queries,
        };
        g.scope("decoder", |g| {
            for layer in 0..self.layers {
                x = g.scope(&format!("layers.{layer}"), |g| self.layer(g, x, &memory))?;
            }
            layers::layer_norm(g, "layernorm", x, &[width], EPS)
        })
    }

    fn layer(&self, g: &mut GraphBuilder, x: Value, memory: &Memory) -> Result<Value, BuildError> {
        let width = self.width;
        let y = g.scope("self_attn", |g| {
            let places = ops::add(g, x, memory.queries)?;
            self.attention(g, places, places, x)
        })?;
        let x = residual(g, x, y)?;
        let x = layers::layer_norm(g, "self_attn_layer_norm", x, &[width], EPS)?;
        let y = g.scope("encoder_attn", |g| {
            let queries = ops::add(g, x, memory.queries)?;
            let keys = ops::add(g, memory.image, memory.positions)?;
            self.attention(g, queries, keys, memory.image)
        })?;
        let x = residual(g, x, y)?;
        let x = layers::layer_norm(g, "encoder_attn_layer_norm", x, &[width], EPS)?;
        let y = g.scope("mlp", |g| {
            let y = layers::linear(g, "fc1", x, width, self.intermediate, true)?;
            let y = g.scope("activation_fn", |g| ops::relu(g, y))?;
            let y = ops::dropout(g, y, 0.0)?;
            let y = layers::linear(g, "fc2", y, self.intermediate, width, true)?;
            ops::dropout(g, y, DROPOUT)
        })?;
        let x = ops::add(g, x, y)?;
        layers::layer_norm(g, "final_layer_norm", x, &[width], EPS)
    }

    fn attention(
        &self,
        g: &mut GraphBuilder,
        queries: Value,
        keys: Value,
        values: Value,
    ) -> Result<Value, BuildError> {
        let width = self.width;
        let [batch, tokens, _] = sizes(g, queries)?;
        let attention = Attention::new(Function::Eager, width, self.heads, [batch, tokens])?;
        let mut project = |name, x| {
            let y = layers::linear(g, name, x, width, width, true)?;
            attention.split(g, y)
        };
        let query = project("q_proj", queries)?;
        let key = project("k_proj", keys)?;
        let value = project("v_proj", values)?;
        let x = attention.encoder(g, [query, key, value], None, false)?;
        layers::linear(g, "o_proj", x, width, width, true)
    }

    /// Sines and cosines of the places of a map, `[batch, width, h, w]`: one half for rows, one for columns.
    fn positions(
        &self,
        g: &mut GraphBuilder,
        [batch, height, columns]: [usize; 3],
    ) -> Result<Value, BuildError> {
        let size = [batch, height, columns].map(signed);
        let half = self.width / 2;
        let rows = counted(g, height, 2, &size)?;
        let places = counted(g, columns, 1, &size)?;
        let rows = scaled(g, rows, 1)?;
        let places = scaled(g, places, 2)?;
        let numbers = ops::arange(g, half)?;
        let numbers = ops::to(g, numbers, g.dtype())?;
        let numbers = ops::binary_scalar(g, BinaryKind::FloorDiv, numbers, 2.0)?;
        let numbers = ops::mul_scalar(g, numbers, 2.0)?;
        let numbers = ops::div_scalar(g, numbers, half as f64)?;
        let periods = ops::pow_base(g, TEMPERATURE, numbers)?;
        let mut angles = |x| {
            let x = ops::unsqueeze(g, x, 3)?;
            ops::div(g, x, periods)
        };
        let (places, rows) = (angles(places)?, angles(rows)?);
        let places = waves(g, places)?;
        let rows = waves(g, rows)?;
        let x = ops::cat(g, &[rows, places], 3)?;
        ops::permute(g, x, &[0, 3, 1, 2])
    }
}

/// `x + dropout(y)`.
fn residual(g: &mut GraphBuilder, x: Value, y: Value) -> Result<Value, BuildError> {
    let y = ops::dropout(g, y, DROPOUT)?;
    ops::add(g, x, y)
}

/// The numbers from 1 to `count` along one dimension of a map; `dim` is the other one.
fn counted(
    g: &mut GraphBuilder,
    count: usize,
    dim: i64,
    size: &[i64; 3],
) -> Result<Value, BuildError> {
    let numbers = Arange {
        start: 1,
        end: signed(count) + 1,
        rows: false,
        step: 1,
        dtype: g.dtype(),
    };
    let x = g.one(numbers, &[])?;
    let x = ops::unsqueeze(g, x, 0)?;
    let x = ops::unsqueeze(g, x, dim)?;
    ops::expand(g, x, size)
}

/// Numbers from 0 to 2π along a dimension.
fn scaled(g: &mut GraphBuilder, x: Value, dim: i64) -> Result<Value, BuildError> {
    let last = ops::slice(g, x, dim, -1, None)?;
    let last = ops::add_scalar(g, last, TINY)?;
    let x = ops::div(g, x, last)?;
    ops::mul_scalar(g, x, 2.0 * std::f64::consts::PI)
}

/// Sines of even angles and cosines of odd ones, in turn.
fn waves(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    let every_second = |g: &mut GraphBuilder, start| {
        let slice = Slice {
            dim: 3,
            start,
            end: None,
            step: 2,
        };
        g.one(slice, &[x])
    };
    let even = every_second(g, 0)?;
    let even = ops::sin(g, even)?;
    let odd = every_second(g, 1)?;
    let odd = ops::cos(g, odd)?;
    let x = ops::stack(g, &[even, odd], 4)?;
    ops::flatten(g, x, 3, -1)
}
