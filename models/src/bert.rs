//! BERT (Devlin et al. 2018) with its masked-language-model head.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Init, Value};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig, Settings};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostData;
use nongemm_datasets::MaskedText;
use nongemm_operators as ops;
use nongemm_operators::layers;

use crate::attention::Attention;
use crate::constant::constant;
use crate::masking;
use crate::published::Published;
use crate::settings::{batch, layers as depth, preset, seq, signed, size};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) layers: usize,
    pub(crate) hidden: usize,
    pub(crate) heads: usize,
    pub(crate) intermediate: usize,
    pub(crate) vocab: usize,
    pub(crate) positions: usize,
}

const SMALL: Sizes = Sizes {
    layers: 2,
    hidden: 32,
    heads: 4,
    intermediate: 64,
    vocab: 101,
    positions: 128,
};

const BASE: Sizes = Sizes {
    layers: 12,
    hidden: 768,
    heads: 12,
    intermediate: 3072,
    vocab: 30522,
    positions: 512,
};

/// How texts become token ids.
pub(crate) const UNCASED: MaskedText = MaskedText {
    vocabulary: "bert-base-uncased",
    cls: 101,
    sep: 102,
};

/// 110 million parameters: transformers' `BertForMaskedLM`, called with token ids only (one segment,
/// nothing padded).
///
/// Input `input_ids[batch, seq]`, output `logits[batch, seq, vocab]`.
pub static BERT: Published = Published {
    id: "bert",
    domain: Domain::LanguageModel,
    checkpoint: "google-bert/bert-base-uncased",
    reference: "transformers 5.17.0 BertForMaskedLM",
    sizes: DefaultSizes::text(128),
    build: |g, config| Net::read(BASE, config)?.build(g, &config.settings),
    preprocessor: || Box::new(UNCASED),
};

register!(dyn Model, &BERT);

const EPS: f64 = 1e-12;
const DROPOUT: f64 = 0.1;
/// Rows of the table of segments.
const TYPES: usize = 2;

/// A checked configuration.
pub(crate) struct Net {
    layers: usize,
    pub(crate) hidden: usize,
    intermediate: usize,
    pub(crate) vocab: usize,
    positions: usize,
    pub(crate) types: usize,
    pub(crate) batch: usize,
    pub(crate) tokens: usize,
    attention: Attention,
}

/// What the encoder reads.
pub(crate) struct Inputs {
    pub(crate) ids: Value,
    /// The segment of each token; without it, all are in the first one.
    pub(crate) types: Option<Value>,
    /// 1 for a token, 0 for padding; without it, nothing is padded.
    pub(crate) padding: Option<Value>,
}

impl Net {
    pub(crate) fn read(full: Sizes, config: &ModelConfig) -> Result<Self, BuildError> {
        let settings = &config.settings;
        let sizes = preset(settings, full, SMALL)?;
        let hidden = size(settings, "hidden", sizes.hidden)?;
        let positions = size(settings, "positions", sizes.positions)?;
        let batch = batch(config)?;
        let tokens = seq(config, positions)?;
        Ok(Net {
            layers: depth(settings, sizes.layers)?,
            hidden,
            intermediate: size(settings, "intermediate", sizes.intermediate)?,
            vocab: size(settings, "vocab", sizes.vocab)?,
            positions,
            types: size(settings, "types", TYPES)?,
            batch,
            tokens,
            attention: Attention::read(settings, hidden, sizes.heads, [batch, tokens])?,
        })
    }

    fn build(&self, g: &mut GraphBuilder, settings: &Settings) -> Result<(), BuildError> {
        let ids = TensorSpec::new(DType::I64, [self.batch, self.tokens]);
        let ids = g.index_input("input_ids", ids, self.vocab)?;
        let sizes = [self.batch, self.tokens];
        let inputs = Inputs {
            ids,
            types: None,
            padding: masking::padding(g, settings, sizes)?,
        };
        let (x, words) = g.scope("bert", |g| self.encode(g, &inputs))?;
        let logits = g.scope("cls.predictions", |g| self.predictions(g, x, words))?;
        g.output("logits", logits);
        g.alias_all(tensorflow_name);
        Ok(())
    }

    /// Hidden states `[batch, tokens, hidden]` of the last layer, and the table of words.
    pub(crate) fn encode(
        &self,
        g: &mut GraphBuilder,
        inputs: &Inputs,
    ) -> Result<(Value, Value), BuildError> {
        let (mut x, words) = g.scope("embeddings", |g| self.embeddings(g, inputs))?;
        let mask = inputs
            .padding
            .map(|padding| masking::bidirectional(g, self.batch, [self.tokens; 2], padding));
        let mask = mask.transpose()?;
        for layer in 0..self.layers {
            x = g.scope(&format!("encoder.layer.{layer}"), |g| {
                self.layer(g, x, mask)
            })?;
        }
        Ok((x, words))
    }

    fn embeddings(
        &self,
        g: &mut GraphBuilder,
        inputs: &Inputs,
    ) -> Result<(Value, Value), BuildError> {
        // Buffers of the reference that no checkpoint holds.
        let row = [1, self.positions];
        let numbers = (0..signed(self.positions)).collect();
        let all_positions = constant(g, "position_ids", row, HostData::I64(numbers))?;
        let positions = masking::columns(g, all_positions, self.tokens)?;
        let types = match inputs.types {
            Some(types) => types,
            None => self.first_segment(g, positions)?,
        };
        let hidden = self.hidden;
        let (x, words) = layers::embedding(g, "word_embeddings", inputs.ids, self.vocab, hidden)?;
        let (y, _) = layers::embedding(g, "token_type_embeddings", types, self.types, hidden)?;
        let x = ops::add(g, x, y)?;
        let (y, _) =
            layers::embedding(g, "position_embeddings", positions, self.positions, hidden)?;
        let x = ops::add(g, x, y)?;
        let x = self.layer_norm(g, x)?;
        Ok((g.scope("dropout", |g| ops::dropout(g, x, DROPOUT))?, words))
    }

    /// The segment of tokens where none is given.
    fn first_segment(&self, g: &mut GraphBuilder, positions: Value) -> Result<Value, BuildError> {
        let zeros = vec![0; self.positions];
        let all_types = constant(
            g,
            "token_type_ids",
            [1, self.positions],
            HostData::I64(zeros),
        )?;
        let types = ops::expand(g, all_types, &[1, -1])?;
        let types = ops::gather(g, types, 1, positions)?;
        ops::expand(g, types, &[self.batch, self.tokens].map(signed))
    }

    fn layer(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        mask: Option<Value>,
    ) -> Result<Value, BuildError> {
        let hidden = self.hidden;
        let y = g.scope("attention.self", |g| self.self_attention(g, x, mask))?;
        let x = g.scope("attention.output", |g| self.residual(g, y, hidden, x))?;
        let y = g.scope("intermediate", |g| {
            let y = layers::linear(g, "dense", x, hidden, self.intermediate, true)?;
            g.scope("intermediate_act_fn", |g| ops::gelu(g, y))
        })?;
        g.scope("output", |g| self.residual(g, y, self.intermediate, x))
    }

    fn self_attention(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        mask: Option<Value>,
    ) -> Result<Value, BuildError> {
        let mut project = |name| {
            let y = layers::linear(g, name, x, self.hidden, self.hidden, true)?;
            self.attention.split(g, y)
        };
        let projections = [project("query")?, project("key")?, project("value")?];
        self.attention.encoder(g, projections, mask, false)
    }

    /// `LayerNorm(dense(x) + before)`.
    fn residual(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        width: usize,
        before: Value,
    ) -> Result<Value, BuildError> {
        let x = layers::linear(g, "dense", x, width, self.hidden, true)?;
        let x = g.scope("dropout", |g| ops::dropout(g, x, DROPOUT))?;
        let x = ops::add(g, x, before)?;
        self.layer_norm(g, x)
    }

    fn predictions(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        words: Value,
    ) -> Result<Value, BuildError> {
        let x = g.scope("transform", |g| {
            let x = layers::linear(g, "dense", x, self.hidden, self.hidden, true)?;
            let x = g.scope("transform_act_fn", |g| ops::gelu(g, x))?;
            self.layer_norm(g, x)
        })?;
        let bias = g.param("bias", [self.vocab], Init::around(0.0, 0.1))?;
        g.alias(words, "cls.predictions.decoder.weight");
        g.alias(bias, "cls.predictions.decoder.bias");
        g.scope("decoder", |g| ops::linear(g, x, words, Some(bias)))
    }

    fn layer_norm(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        layers::layer_norm(g, "LayerNorm", x, &[self.hidden], EPS)
    }
}

/// The name in checkpoints that were converted from TensorFlow, where it differs.
pub(crate) fn tensorflow_name(name: &str) -> Option<String> {
    if let Some(norm) = name.strip_suffix("LayerNorm.weight") {
        return Some(format!("{norm}LayerNorm.gamma"));
    }
    let norm = name.strip_suffix("LayerNorm.bias")?;
    Some(format!("{norm}LayerNorm.beta"))
}
