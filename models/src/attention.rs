//! Multi-head attention as the transformers library runs it, decomposed or as one fused call.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::plugin::Settings;
use nongemm_operators as ops;
use nongemm_operators::{ScaledDotProductAttention, Softmax};

use crate::layout::{dense, sizes};
use crate::masking;
use crate::settings::{divide, signed, size};

/// Which of the library's attention functions runs (setting `attention`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// `eager`: products, scaling, mask and softmax as calls of their own.
    Eager,
    /// `sdpa`: `scaled_dot_product_attention`.
    Sdpa,
}

impl Function {
    /// Reads the setting `attention`.
    pub(crate) fn read(settings: &Settings) -> Result<Self, BuildError> {
        Ok(match settings.choice("attention", &["eager", "sdpa"])? {
            "sdpa" => Function::Sdpa,
            _ => Function::Eager,
        })
    }
}

/// The heads of attention layers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attention {
    function: Function,
    batch: usize,
    tokens: usize,
    /// Width of one head.
    width: usize,
}

/// Queries, keys and values.
pub(crate) type Projections = [Value; 3];

impl Attention {
    /// Reads the settings `attention` and `heads`.
    ///
    /// # Errors
    /// When `hidden` is not divisible by the number of heads.
    pub(crate) fn read(
        settings: &Settings,
        hidden: usize,
        heads: usize,
        [batch, tokens]: [usize; 2],
    ) -> Result<Self, BuildError> {
        let function = Function::read(settings)?;
        let heads = size(settings, "heads", heads)?;
        Attention::new(function, hidden, heads, [batch, tokens])
    }

    /// `heads` heads over `hidden` features of `tokens` queries.
    ///
    /// # Errors
    /// When `hidden` is not divisible by the number of heads.
    pub(crate) fn new(
        function: Function,
        hidden: usize,
        heads: usize,
        [batch, tokens]: [usize; 2],
    ) -> Result<Self, BuildError> {
        Ok(Attention {
            function,
            batch,
            tokens,
            width: divide("hidden", hidden, "heads", heads)?,
        })
    }

    /// The mask of a causal model whose tokens have `positions[1, tokens]`: none where the fused call needs
    /// none. Without padding, the reference looks for several sequences packed into one row.
    pub(crate) fn causal_mask(
        &self,
        g: &mut GraphBuilder,
        positions: Value,
        padding: Option<Value>,
    ) -> Result<Option<Value>, BuildError> {
        if padding.is_none() {
            masking::detect_packed_sequences(g, positions, self.batch)?;
            if self.function == Function::Sdpa {
                return Ok(None);
            }
        }
        masking::causal(g, self.batch, self.tokens, padding).map(Some)
    }

    /// `[batch, n, heads width]` to `[batch, heads, n, width]`, for any `n` and any number of heads.
    pub(crate) fn split(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let [batch, tokens, _] = sizes(g, x)?;
        let size = [signed(batch), signed(tokens), -1, signed(self.width)];
        let x = ops::view(g, x, &size)?;
        ops::transpose(g, x, 1, 2)
    }

    /// Attention of an encoder, from split heads to `[batch, tokens, hidden]`, with an additive mask if
    /// there is one. With `upcast`, the softmax is computed in `f32` whatever the model's type.
    pub(crate) fn encoder(
        &self,
        g: &mut GraphBuilder,
        [query, key, value]: Projections,
        mask: Option<Value>,
        upcast: bool,
    ) -> Result<Value, BuildError> {
        if self.function == Function::Sdpa {
            return self.fused(g, [query, key, value], mask, false);
        }
        let keys = ops::transpose(g, key, 2, 3)?;
        let mut scores = self.scores(g, query, keys)?;
        if let Some(mask) = mask {
            scores = ops::add(g, scores, mask)?;
        }
        let weights = if upcast {
            let softmax = Softmax {
                dim: -1,
                dtype: Some(DType::F32),
            };
            let weights = g.one(softmax, &[scores])?;
            ops::to(g, weights, g.spec(query).dtype)?
        } else {
            ops::softmax(g, scores, -1)?
        };
        let weights = ops::dropout(g, weights, 0.0)?;
        let x = ops::matmul(g, weights, value)?;
        let x = ops::transpose(g, x, 1, 2)?;
        let x = dense(g, x, &[0, 2, 1, 3])?;
        self.merge(g, x)
    }

    /// Attention of a decoder, from split heads to `[batch, tokens, hidden]`, with an additive mask for
    /// the decomposed function.
    pub(crate) fn decoder(
        &self,
        g: &mut GraphBuilder,
        [query, key, value]: Projections,
        mask: Option<Value>,
    ) -> Result<Value, BuildError> {
        if self.function == Function::Sdpa {
            return self.fused(
                g,
                [query, key, value],
                mask,
                mask.is_none() && self.tokens > 1,
            );
        }
        let keys = ops::transpose(g, key, -1, -2)?;
        let mut scores = self.scores(g, query, keys)?;
        if let Some(mask) = mask {
            scores = ops::add(g, scores, mask)?;
        }
        let weights = ops::softmax(g, scores, -1)?;
        let weights = ops::to(g, weights, g.spec(value).dtype)?;
        let weights = ops::dropout(g, weights, 0.0)?;
        let x = ops::matmul(g, weights, value)?;
        let x = ops::transpose(g, x, 1, 2)?;
        self.merge(g, x)
    }

    /// Attention of a decoder as an encoder's with a mask; the fused call needs none unless rows are padded.
    pub(crate) fn causal(
        &self,
        g: &mut GraphBuilder,
        projections: Projections,
        mask: Option<Value>,
    ) -> Result<Value, BuildError> {
        if self.function == Function::Sdpa {
            return self.fused(g, projections, mask, mask.is_none() && self.tokens > 1);
        }
        self.encoder(g, projections, mask, true)
    }

    fn fused(
        &self,
        g: &mut GraphBuilder,
        [query, key, value]: Projections,
        mask: Option<Value>,
        is_causal: bool,
    ) -> Result<Value, BuildError> {
        let attention = ScaledDotProductAttention {
            scale: Some(self.scale()),
            is_causal,
        };
        let inputs: Vec<Value> = [query, key, value].into_iter().chain(mask).collect();
        let x = g.one(attention, &inputs)?;
        let x = ops::transpose(g, x, 1, 2)?;
        self.merge(g, x)
    }

    fn scores(&self, g: &mut GraphBuilder, query: Value, keys: Value) -> Result<Value, BuildError> {
        let scores = ops::matmul(g, query, keys)?;
        ops::mul_scalar(g, scores, self.scale())
    }

    fn merge(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        ops::reshape(g, x, &[signed(self.batch), signed(self.tokens), -1])
    }

    /// `1 / √width`.
    fn scale(&self) -> f64 {
        (self.width as f64).sqrt().recip()
    }
}
