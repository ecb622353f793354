//! GPT-2 (Radford et al. 2019) with its language-model head.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig, Settings};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_datasets::CausalText;
use nongemm_operators as ops;
use nongemm_operators::layers;

use crate::attention::Attention;
use crate::masking;
use crate::published::Published;
use crate::settings::{batch, layers as depth, preset, seq, signed, size};

#[derive(Clone, Copy, Debug)]
struct Sizes {
    layers: usize,
    hidden: usize,
    heads: usize,
    vocab: usize,
    positions: usize,
}

const SMALL: Sizes = Sizes {
    layers: 2,
    hidden: 32,
    heads: 4,
    vocab: 101,
    positions: 128,
};

const BASE: Sizes = Sizes {
    layers: 12,
    hidden: 768,
    heads: 12,
    vocab: 50257,
    positions: 1024,
};

const LARGE: Sizes = Sizes {
    layers: 36,
    hidden: 1280,
    heads: 20,
    ..BASE
};

const XL: Sizes = Sizes {
    layers: 48,
    hidden: 1600,
    heads: 25,
    ..BASE
};

/// transformers' `GPT2LMHeadModel`.
///
/// Input `input_ids[batch, seq]`, output `logits[batch, seq, vocab]`.
const FAMILY: Published = Published {
    id: "gpt2",
    domain: Domain::LanguageModel,
    checkpoint: "openai-community/gpt2",
    reference: "transformers 5.17.0 GPT2LMHeadModel",
    sizes: DefaultSizes::text(128),
    build: |g, config| Net::read(BASE, config)?.build(g, &config.settings),
    preprocessor: || Box::new(CausalText { vocabulary: "gpt2" }),
};

/// 124 million parameters.
pub static GPT2: Published = FAMILY;
/// 774 million parameters.
pub static GPT2_LARGE: Published = Published {
    id: "gpt2-large",
    checkpoint: "openai-community/gpt2-large",
    build: |g, config| Net::read(LARGE, config)?.build(g, &config.settings),
    ..FAMILY
};
/// 1.6 billion parameters.
pub static GPT2_XL: Published = Published {
    id: "gpt2-xl",
    checkpoint: "openai-community/gpt2-xl",
    build: |g, config| Net::read(XL, config)?.build(g, &config.settings),
    ..FAMILY
};

register!(dyn Model, &GPT2);
register!(dyn Model, &GPT2_LARGE);
register!(dyn Model, &GPT2_XL);

const EPS: f64 = 1e-5;
const DROPOUT: f64 = 0.1;

/// A checked configuration.
struct Net {
    layers: usize,
    hidden: usize,
    intermediate: usize,
    vocab: usize,
    positions: usize,
    batch: usize,
    tokens: usize,
    attention: Attention,
}

impl Net {
    fn read(full: Sizes, config: &ModelConfig) -> Result<Self, BuildError> {
        let settings = &config.settings;
        let sizes = preset(settings, full, SMALL)?;
        let hidden = size(settings, "hidden", sizes.hidden)?;
        let positions = size(settings, "positions", sizes.positions)?;
        let batch = batch(config)?;
        let tokens = seq(config, positions)?;
        let intermediate = match settings.find::<usize>("intermediate")? {
            Some(given) => size(settings, "intermediate", given)?,
            None => 4 * hidden,
        };
        Ok(Net {
            layers: depth(settings, sizes.layers)?,
            hidden,
            intermediate,
            vocab: size(settings, "vocab", sizes.vocab)?,
            positions,
            batch,
            tokens,
            attention: Attention::read(settings, hidden, sizes.heads, [batch, tokens])?,
        })
    }

    fn build(&self, g: &mut GraphBuilder, settings: &Settings) -> Result<(), BuildError> {
        let ids = TensorSpec::new(DType::I64, [self.batch, self.tokens]);
        let ids = g.index_input("input_ids", ids, self.vocab)?;
        let padding = masking::padding(g, settings, [self.batch, self.tokens])?;
        let (x, wte) = g.scope("transformer", |g| self.transformer(g, ids, padding))?;
        // `hidden_states[:, 0:, :]`: every position is kept.
        let x = ops::alias(g, x)?;
        let logits = g.scope("lm_head", |g| ops::linear(g, x, wte, None))?;
        g.output("logits", logits);
        g.alias(wte, "lm_head.weight");
        // The published checkpoints were saved from the model without a head.
        g.alias_all(|name| name.strip_prefix("transformer.").map(str::to_owned));
        Ok(())
    }

    /// Returns the hidden states and the table of tokens.
    fn transformer(
        &self,
        g: &mut GraphBuilder,
        ids: Value,
        padding: Option<Value>,
    ) -> Result<(Value, Value), BuildError> {
        let ids = ops::view(g, ids, &[-1, signed(self.tokens)])?;
        let (tokens, wte) = layers::embedding(g, "wte", ids, self.vocab, self.hidden)?;
        let positions = masking::positions(g, self.tokens)?;
        let positions = ops::unsqueeze(g, positions, 0)?;
        let (places, _) = layers::embedding(g, "wpe", positions, self.positions, self.hidden)?;
        let places = ops::to(g, places, g.spec(tokens).dtype)?;
        let x = ops::add(g, tokens, places)?;
        let padding = match padding {
            Some(mask) => Some(ops::view(g, mask, &[signed(self.batch), -1])?),
            None => None,
        };
        let mask = self.attention.causal_mask(g, positions, padding)?;
        let mut x = g.scope("drop", |g| ops::dropout(g, x, DROPOUT))?;
        for layer in 0..self.layers {
            x = g.scope(&format!("h.{layer}"), |g| self.block(g, x, mask))?;
        }
        let x = layers::layer_norm(g, "ln_f", x, &[self.hidden], EPS)?;
        let size = [self.tokens, self.hidden].map(signed);
        Ok((ops::view(g, x, &[-1, size[0], size[1]])?, wte))
    }

    fn block(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        mask: Option<Value>,
    ) -> Result<Value, BuildError> {
        let y = layers::layer_norm(g, "ln_1", x, &[self.hidden], EPS)?;
        let y = g.scope("attn", |g| self.self_attention(g, y, mask))?;
        let x = ops::add(g, y, x)?;
        let y = layers::layer_norm(g, "ln_2", x, &[self.hidden], EPS)?;
        let y = g.scope("mlp", |g| self.mlp(g, y))?;
        ops::add(g, x, y)
    }

    fn self_attention(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        mask: Option<Value>,
    ) -> Result<Value, BuildError> {
        let x = layers::conv1d_hf(g, "c_attn", x, self.hidden, 3 * self.hidden)?;
        let &[query, key, value] = ops::split(g, x, self.hidden, 2)?.as_slice() else {
            return Err(BuildError::config("c_attn must split into three"));
        };
        let key = self.attention.split(g, key)?;
        let value = self.attention.split(g, value)?;
        let query = self.attention.split(g, query)?;
        let x = self.attention.decoder(g, [query, key, value], mask)?;
        let x = layers::conv1d_hf(g, "c_proj", x, self.hidden, self.hidden)?;
        g.scope("resid_dropout", |g| ops::dropout(g, x, DROPOUT))
    }

    fn mlp(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let x = layers::conv1d_hf(g, "c_fc", x, self.hidden, self.intermediate)?;
        let x = g.scope("act", |g| ops::new_gelu(g, x))?;
        let x = layers::conv1d_hf(g, "c_proj", x, self.intermediate, self.hidden)?;
        g.scope("dropout", |g| ops::dropout(g, x, DROPOUT))
    }
}
