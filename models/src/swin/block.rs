//! A block: attention inside windows, then a feed-forward network.

use nongemm_core::graph::{BuildError, GraphBuilder, Init, Value};
use nongemm_core::tensor::HostData;
use nongemm_operators as ops;
use nongemm_operators::layers;

use super::{EPS, dropout, windows};
use crate::attention::{Attention, Function};
use crate::constant::constant;
use crate::layout::{dense, sizes};
use crate::settings::signed;

/// One block on `[batch, side², hidden]`.
pub(super) struct Block {
    pub(super) batch: usize,
    /// Tokens a side of the map.
    pub(super) side: usize,
    pub(super) hidden: usize,
    pub(super) heads: usize,
    pub(super) window: usize,
    /// By how many tokens the windows are shifted.
    pub(super) shift: usize,
    pub(super) intermediate: usize,
    pub(super) function: Function,
}

impl Block {
    pub(super) fn build(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let hidden = self.hidden;
        let y = layers::layer_norm(g, "layernorm_before", x, &[hidden], EPS)?;
        let y = self.window_attention(g, y)?;
        let x = ops::add(g, x, y)?;
        let y = layers::layer_norm(g, "layernorm_after", x, &[hidden], EPS)?;
        let y = g.scope("mlp", |g| {
            let y = layers::linear(g, "fc1", y, hidden, self.intermediate, true)?;
            let y = g.scope("activation_fn", |g| ops::gelu(g, y))?;
            layers::linear(g, "fc2", y, self.intermediate, hidden, true)
        })?;
        let y = dropout(g, y)?;
        ops::add(g, y, x)
    }

    /// Cuts the map into windows, attends in each, and puts it together again.
    fn window_attention(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let (side, window) = (self.side, self.window);
        let shape = [self.batch, side, side, self.hidden].map(signed);
        let padded = side.next_multiple_of(window);
        let missing = signed(padded - side);
        let x = ops::view(g, x, &shape)?;
        let x = ops::pad(g, x, &[0, 0, 0, missing, 0, missing], 0.0)?;
        let x = self.roll(g, x, -signed(self.shift))?;
        let x = windows::partition(g, x, window)?;
        let mask = match self.shift {
            0 => None,
            shift => Some(windows::mask(g, padded, window, shift)?),
        };
        let x = g.scope("attention", |g| self.attention(g, x, mask))?;
        let x = dropout(g, x)?;
        let x = windows::join(g, x, window, padded)?;
        let mut x = self.roll(g, x, signed(self.shift))?;
        if missing > 0 {
            x = ops::slice(g, x, 1, 0, Some(signed(side)))?;
            x = ops::slice(g, x, 2, 0, Some(signed(side)))?;
            x = ops::contiguous(g, x)?;
        }
        ops::view(g, x, &[shape[0], signed(side * side), shape[3]])
    }

    fn roll(&self, g: &mut GraphBuilder, x: Value, shift: i64) -> Result<Value, BuildError> {
        if shift == 0 {
            Ok(x)
        } else {
            ops::roll(g, x, &[shift, shift], &[1, 2])
        }
    }

    /// Attention in `[batch windows, window², hidden]`.
    fn attention(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        mask: Option<Value>,
    ) -> Result<Value, BuildError> {
        let [windows, tokens, hidden] = sizes(g, x)?;
        let attention = Attention::new(self.function, hidden, self.heads, [windows, tokens])?;
        let mut project = |name| {
            let y = layers::linear(g, name, x, hidden, hidden, true)?;
            attention.split(g, y)
        };
        let projections = [project("q_proj")?, project("k_proj")?, project("v_proj")?];
        let mut bias = g.scope("relative_position_bias", |g| self.position_bias(g))?;
        if let Some(mask) = mask {
            let size = [signed(self.batch), -1, -1, -1, -1];
            let mask = ops::unsqueeze(g, mask, 1)?;
            let mask = ops::unsqueeze(g, mask, 0)?;
            let mask = ops::expand(g, mask, &size)?;
            let mask = ops::reshape(g, mask, &[-1, 1, signed(tokens), signed(tokens)])?;
            bias = ops::add(g, bias, mask)?;
        }
        let x = attention.encoder(g, projections, Some(bias), true)?;
        layers::linear(g, "o_proj", x, hidden, hidden, true)
    }

    /// `[1, heads, window², window²]`, looked up by the distance of two tokens.
    fn position_bias(&self, g: &mut GraphBuilder) -> Result<Value, BuildError> {
        let reach = 2 * self.window - 1;
        let table = [reach * reach, self.heads];
        let table = g.param(
            "relative_position_bias_table",
            table,
            Init::around(0.0, 0.5),
        )?;
        let rows = HostData::I64(relative_position_index(self.window));
        let index = constant(g, "relative_position_index", [rows.len()], rows)?;
        let bias = ops::index(g, table, &[index])?;
        let tokens = signed(self.window * self.window);
        let bias = ops::view(g, bias, &[tokens, tokens, -1])?;
        let bias = ops::permute(g, bias, &[2, 0, 1])?;
        let bias = dense(g, bias, &[2, 0, 1])?;
        ops::unsqueeze(g, bias, 0)
    }
}

/// The row of the table for each pair of tokens of a window, row by row: a buffer of the reference that no
/// checkpoint holds.
pub(crate) fn relative_position_index(window: usize) -> Vec<i64> {
    let reach = 2 * window - 1;
    let places = || (0..window).flat_map(|row| (0..window).map(move |column| (row, column)));
    let pairs = places().flat_map(|query| places().map(move |key| (query, key)));
    let rows = pairs.map(|((qr, qc), (kr, kc))| {
        let [row, column] = [qr + window - 1 - kr, qc + window - 1 - kc];
        signed(row * reach + column)
    });
    rows.collect()
}
