//! Decoders of the Llama kind (Touvron et al. 2023, <https://arxiv.org/abs/2307.09288>): RMS normalization,
//! rotary positions, a gated feed-forward network; with grouped-query attention in Llama 3 and Qwen 2.5,
//! and with experts in Mixtral.

mod experts;
mod rotary;

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig, Settings};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_datasets::CausalText;
use nongemm_operators as ops;
use nongemm_operators::layers;

use crate::attention::{Attention, Function};
use crate::layout::sizes;
use crate::masking;
use crate::published::Published;
use crate::settings::{batch, divide, layers as depth, preset, seq, signed, size};
use experts::Experts;
use rotary::Rotary;

#[derive(Clone, Copy, Debug)]
struct Sizes {
    layers: usize,
    hidden: usize,
    heads: usize,
    /// Heads of keys and values.
    kv_heads: usize,
    intermediate: usize,
    vocab: usize,
    positions: usize,
    rope_theta: f32,
    eps: f64,
    /// Qwen 2.5's differences: projections with bias, one table for tokens and logits.
    qwen: bool,
    experts: Option<Experts>,
}

impl Sizes {
    /// The tiny configuration of a variant.
    const fn small(self) -> Sizes {
        Sizes {
            layers: 2,
            hidden: 32,
            heads: 4,
            kv_heads: if self.kv_heads < self.heads { 2 } else { 4 },
            intermediate: 64,
            vocab: 101,
            positions: 128,
            experts: match self.experts {
                Some(_) => Some(Experts {
                    count: 4,
                    per_token: 2,
                }),
                None => None,
            },
            ..self
        }
    }
}

const LLAMA2_7B_SIZES: Sizes = Sizes {
    layers: 32,
    hidden: 4096,
    heads: 32,
    kv_heads: 32,
    intermediate: 11008,
    vocab: 32000,
    positions: 4096,
    rope_theta: 1e4,
    eps: 1e-5,
    qwen: false,
    experts: None,
};

const LLAMA3_8B_SIZES: Sizes = Sizes {
    kv_heads: 8,
    intermediate: 14336,
    vocab: 128_256,
    positions: 8192,
    rope_theta: 5e5,
    ..LLAMA2_7B_SIZES
};

const QWEN2_5_0_5B_SIZES: Sizes = Sizes {
    layers: 24,
    hidden: 896,
    heads: 14,
    kv_heads: 2,
    intermediate: 4864,
    vocab: 151_936,
    positions: 32768,
    rope_theta: 1e6,
    eps: 1e-6,
    qwen: true,
    experts: None,
};

const MIXTRAL_8X7B_SIZES: Sizes = Sizes {
    kv_heads: 8,
    intermediate: 14336,
    positions: 32768,
    rope_theta: 1e6,
    experts: Some(Experts {
        count: 8,
        per_token: 2,
    }),
    ..LLAMA2_7B_SIZES
};

/// Llama 2: 6.7 billion parameters.
///
/// Input `input_ids[batch, seq]` and with `padding=masked` also `attention_mask[batch, seq]`, output
/// `logits[batch, seq, vocab]`.
pub static LLAMA2_7B: Published = Published {
    id: "llama2-7b",
    domain: Domain::LanguageModel,
    checkpoint: "meta-llama/Llama-2-7b-hf",
    reference: "transformers 5.17.0 LlamaForCausalLM",
    sizes: DefaultSizes::text(128),
    build: |g, config| Net::read(LLAMA2_7B_SIZES, config)?.build(g, &config.settings),
    preprocessor: || Box::new(CausalText { vocabulary: "gpt2" }),
};
/// Llama 3 with grouped-query attention: 8 billion parameters.
pub static LLAMA3_8B: Published = Published {
    id: "llama3-8b",
    checkpoint: "meta-llama/Meta-Llama-3-8B",
    build: |g, config| Net::read(LLAMA3_8B_SIZES, config)?.build(g, &config.settings),
    ..LLAMA2_7B
};
/// Qwen 2.5, the smallest: 494 million parameters.
pub static QWEN2_5_0_5B: Published = Published {
    id: "qwen2.5-0.5b",
    checkpoint: "Qwen/Qwen2.5-0.5B",
    reference: "transformers 5.17.0 Qwen2ForCausalLM",
    build: |g, config| Net::read(QWEN2_5_0_5B_SIZES, config)?.build(g, &config.settings),
    ..LLAMA2_7B
};
/// Mixtral with 8 experts, of which each token sees 2: 47 billion parameters.
pub static MIXTRAL_8X7B: Published = Published {
    id: "mixtral-8x7b",
    checkpoint: "mistralai/Mixtral-8x7B-v0.1",
    reference: "transformers 5.17.0 MixtralForCausalLM",
    build: |g, config| Net::read(MIXTRAL_8X7B_SIZES, config)?.build(g, &config.settings),
    ..LLAMA2_7B
};

register!(dyn Model, &LLAMA2_7B);
register!(dyn Model, &LLAMA3_8B);
register!(dyn Model, &QWEN2_5_0_5B);
register!(dyn Model, &MIXTRAL_8X7B);

/// A checked configuration.
struct Net {
    sizes: Sizes,
    batch: usize,
    tokens: usize,
    rotary: Rotary,
    attention: Attention,
    /// Heads of queries for each head of keys and values.
    group: usize,
}

impl Net {
    fn read(full: Sizes, config: &ModelConfig) -> Result<Self, BuildError> {
        let settings = &config.settings;
        let preset = preset(settings, full, full.small())?;
        let positions = size(settings, "positions", preset.positions)?;
        let (batch, tokens) = (batch(config)?, seq(config, positions)?);
        let sizes = Sizes {
            layers: depth(settings, preset.layers)?,
            hidden: size(settings, "hidden", preset.hidden)?,
            heads: size(settings, "heads", preset.heads)?,
            kv_heads: size(settings, "kv_heads", preset.kv_heads)?,
            intermediate: size(settings, "intermediate", preset.intermediate)?,
            vocab: size(settings, "vocab", preset.vocab)?,
            positions,
            experts: preset
                .experts
                .map(|experts| experts.read(settings))
                .transpose()?,
            ..preset
        };
        let function = Function::read(settings)?;
        let width = divide("hidden", sizes.hidden, "heads", sizes.heads)?;
        Ok(Net {
            batch,
            tokens,
            rotary: Rotary::new(width, sizes.rope_theta, sizes.qwen)?,
            attention: Attention::new(function, sizes.hidden, sizes.heads, [batch, tokens])?,
            group: divide("heads", sizes.heads, "kv_heads", sizes.kv_heads)?,
            sizes,
        })
    }

    fn build(&self, g: &mut GraphBuilder, settings: &Settings) -> Result<(), BuildError> {
        let Sizes { hidden, vocab, .. } = self.sizes;
        let ids = TensorSpec::new(DType::I64, [self.batch, self.tokens]);
        let ids = g.index_input("input_ids", ids, vocab)?;
        let padding = masking::padding(g, settings, [self.batch, self.tokens])?;
        let (x, table) = g.scope("model", |g| self.model(g, ids, padding))?;
        // `hidden_states[:, 0:, :]`: every position is kept.
        let x = ops::alias(g, x)?;
        let logits = if self.sizes.qwen {
            g.alias(table, "lm_head.weight");
            g.scope("lm_head", |g| ops::linear(g, x, table, None))?
        } else {
            layers::linear(g, "lm_head", x, hidden, vocab, false)?
        };
        g.output("logits", logits);
        if self.sizes.experts.is_some() {
            g.alias_all(experts::published_name);
            g.pieces_all(experts::published_pieces);
        }
        Ok(())
    }

    /// Returns the hidden states and the table of tokens.
    fn model(
        &self,
        g: &mut GraphBuilder,
        ids: Value,
        padding: Option<Value>,
    ) -> Result<(Value, Value), BuildError> {
        let Sizes {
            hidden, vocab, eps, ..
        } = self.sizes;
        let (mut x, table) = layers::embedding(g, "embed_tokens", ids, vocab, hidden)?;
        let positions = masking::positions(g, self.tokens)?;
        let positions = ops::unsqueeze(g, positions, 0)?;
        let mask = self.attention.causal_mask(g, positions, padding)?;
        let angles = g.scope("rotary_emb", |g| self.rotary.tables(g, positions))?;
        for layer in 0..self.sizes.layers {
            let name = format!("layers.{layer}");
            x = g.scope(&name, |g| self.layer(g, x, angles, mask))?;
        }
        Ok((layers::rms_norm(g, "norm", x, hidden, eps)?, table))
    }

    fn layer(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        angles: [Value; 2],
        mask: Option<Value>,
    ) -> Result<Value, BuildError> {
        let Sizes { hidden, eps, .. } = self.sizes;
        let y = layers::rms_norm(g, "input_layernorm", x, hidden, eps)?;
        let y = g.scope("self_attn", |g| self.self_attention(g, y, angles, mask))?;
        let x = ops::add(g, x, y)?;
        let y = layers::rms_norm(g, "post_attention_layernorm", x, hidden, eps)?;
        let y = g.scope("mlp", |g| match &self.sizes.experts {
            Some(experts) => experts.build(g, y, self.sizes.intermediate),
            None => self.mlp(g, y),
        })?;
        ops::add(g, x, y)
    }

    fn self_attention(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        [cos, sin]: [Value; 2],
        mask: Option<Value>,
    ) -> Result<Value, BuildError> {
        let Sizes {
            hidden,
            kv_heads,
            qwen,
            ..
        } = self.sizes;
        let shared = hidden / self.group;
        debug_assert!(shared.is_multiple_of(kv_heads));
        let mut project = |name, width| {
            let y = layers::linear(g, name, x, hidden, width, qwen)?;
            self.attention.split(g, y)
        };
        let query = project("q_proj", hidden)?;
        let key = project("k_proj", shared)?;
        let value = project("v_proj", shared)?;
        let cos = ops::unsqueeze(g, cos, 1)?;
        let sin = ops::unsqueeze(g, sin, 1)?;
        let query = ops::rotary_embedding(g, query, cos, sin)?;
        let key = ops::rotary_embedding(g, key, cos, sin)?;
        let key = self.repeat(g, key)?;
        let value = self.repeat(g, value)?;
        let x = self.attention.causal(g, [query, key, value], mask)?;
        layers::linear(g, "o_proj", x, hidden, hidden, false)
    }

    /// Repeats each head of keys or values for the queries of its group.
    fn repeat(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        if self.group == 1 {
            return Ok(x);
        }
        let [batch, heads, tokens, width] = sizes(g, x)?;
        let [heads_all, group] = [heads * self.group, self.group];
        let x = ops::unsqueeze(g, x, 2)?;
        let x = ops::expand(g, x, &[batch, heads, group, tokens, width].map(signed))?;
        ops::reshape(g, x, &[batch, heads_all, tokens, width].map(signed))
    }

    fn mlp(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let Sizes {
            hidden,
            intermediate,
            ..
        } = self.sizes;
        let gate = layers::linear(g, "gate_proj", x, hidden, intermediate, false)?;
        let gate = g.scope("act_fn", |g| ops::silu(g, gate))?;
        let up = layers::linear(g, "up_proj", x, hidden, intermediate, false)?;
        let x = ops::mul(g, gate, up)?;
        layers::linear(g, "down_proj", x, intermediate, hidden, false)
    }
}
