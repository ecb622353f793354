//! The vision transformer (Dosovitskiy et al. 2020) as an image classifier.

use nongemm_core::graph::{BuildError, GraphBuilder, Init, Value};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig, Preprocessor, Provenance};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_datasets::VIT_HALF;
use nongemm_operators as ops;
use nongemm_operators::{Conv2d, layers};

use crate::attention::Attention;
use crate::settings::{batch, image, image_tokens, layers as depth, preset, signed, size};

/// A published vision transformer: transformers' `ViTForImageClassification`.
///
/// Input `pixel_values[batch, channels, image, image]`, output `logits[batch, labels]`. The table of
/// positions is made for the run's image size.
#[derive(Clone, Copy, Debug)]
pub struct Vit {
    id: &'static str,
    checkpoint: &'static str,
    sizes: Sizes,
}

#[derive(Clone, Copy, Debug)]
struct Sizes {
    layers: usize,
    hidden: usize,
    heads: usize,
    intermediate: usize,
    patch: usize,
    labels: usize,
}

const SMALL: Sizes = Sizes {
    layers: 2,
    hidden: 32,
    heads: 4,
    intermediate: 64,
    patch: 8,
    labels: 10,
};

/// ViT-Base with patches of 16 pixels: 87 million parameters.
pub static VIT_B16: Vit = Vit {
    id: "vit-b16",
    checkpoint: "google/vit-base-patch16-224",
    sizes: Sizes {
        layers: 12,
        hidden: 768,
        heads: 12,
        intermediate: 3072,
        patch: 16,
        labels: 1000,
    },
};

register!(dyn Model, &VIT_B16);

const EPS: f64 = 1e-12;
const DROPOUT: f64 = 0.0;
const CHANNELS: usize = 3;

impl Model for Vit {
    fn id(&self) -> &'static str {
        self.id
    }

    fn domain(&self) -> Domain {
        Domain::ImageClassification
    }

    fn provenance(&self) -> Provenance {
        Provenance {
            checkpoint: self.checkpoint,
            reference: "transformers 5.17.0 ViTForImageClassification",
        }
    }

    fn sizes(&self) -> DefaultSizes {
        DefaultSizes {
            seq: None,
            image: Some(224),
        }
    }

    fn build(&self, g: &mut GraphBuilder, config: &ModelConfig) -> Result<(), BuildError> {
        Net::read(self.sizes, config)?.build(g)
    }

    fn preprocessor(&self) -> Box<dyn Preprocessor> {
        Box::new(VIT_HALF)
    }
}

/// A checked configuration.
struct Net {
    layers: usize,
    hidden: usize,
    intermediate: usize,
    patch: usize,
    channels: usize,
    labels: usize,
    batch: usize,
    image: usize,
    /// Patches and the class token.
    tokens: usize,
    attention: Attention,
}

impl Net {
    fn read(full: Sizes, config: &ModelConfig) -> Result<Self, BuildError> {
        let settings = &config.settings;
        let sizes = preset(settings, full, SMALL)?;
        let hidden = size(settings, "hidden", sizes.hidden)?;
        let patch = size(settings, "patch", sizes.patch)?;
        let image = image(config)?;
        let tokens = image_tokens(image, patch)?;
        let batch = batch(config)?;
        Ok(Net {
            layers: depth(settings, sizes.layers)?,
            hidden,
            intermediate: size(settings, "intermediate", sizes.intermediate)?,
            patch,
            channels: size(settings, "channels", CHANNELS)?,
            labels: size(settings, "labels", sizes.labels)?,
            batch,
            image,
            tokens,
            attention: Attention::read(settings, hidden, sizes.heads, [batch, tokens])?,
        })
    }

    fn build(&self, g: &mut GraphBuilder) -> Result<(), BuildError> {
        let shape = [self.batch, self.channels, self.image, self.image];
        let pixels = g.input("pixel_values", TensorSpec::new(g.dtype(), shape))?;
        let x = g.scope("vit", |g| {
            let mut x = g.scope("embeddings", |g| self.embeddings(g, pixels))?;
            for layer in 0..self.layers {
                x = g.scope(&format!("layers.{layer}"), |g| self.layer(g, x))?;
            }
            layers::layer_norm(g, "layernorm", x, &[self.hidden], EPS)
        })?;
        let class = ops::select(g, x, 1, 0)?;
        let logits = layers::linear(g, "classifier", class, self.hidden, self.labels, true)?;
        g.output("logits", logits);
        g.alias_all(published_name);
        Ok(())
    }

    fn embeddings(&self, g: &mut GraphBuilder, pixels: Value) -> Result<Value, BuildError> {
        let table = Init::around(0.0, 0.5);
        let class = g.param("cls_token", [1, 1, self.hidden], table)?;
        let positions = g.param("position_embeddings", [1, self.tokens, self.hidden], table)?;
        let patches = g.scope("patch_embeddings", |g| self.patches(g, pixels))?;
        let class = ops::expand(g, class, &[signed(self.batch), -1, -1])?;
        let x = ops::cat(g, &[class, patches], 1)?;
        let x = ops::add(g, x, positions)?;
        dropout(g, x)
    }

    /// `[batch, patches, hidden]`.
    fn patches(&self, g: &mut GraphBuilder, pixels: Value) -> Result<Value, BuildError> {
        let patch = [self.patch; 2];
        let conv = Conv2d {
            stride: patch,
            ..Conv2d::default()
        };
        let channels = [self.channels, self.hidden];
        let x = layers::conv2d(g, "projection", pixels, channels, patch, conv, true)?;
        let x = ops::flatten(g, x, 2, -1)?;
        ops::transpose(g, x, 1, 2)
    }

    fn layer(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let hidden = self.hidden;
        let y = layers::layer_norm(g, "layernorm_before", x, &[hidden], EPS)?;
        let y = g.scope("attention", |g| self.self_attention(g, y))?;
        let y = dropout(g, y)?;
        let x = ops::add(g, y, x)?;
        let y = layers::layer_norm(g, "layernorm_after", x, &[hidden], EPS)?;
        let y = g.scope("mlp", |g| {
            let y = layers::linear(g, "fc1", y, hidden, self.intermediate, true)?;
            let y = g.scope("activation_fn", |g| ops::gelu(g, y))?;
            layers::linear(g, "fc2", y, self.intermediate, hidden, true)
        })?;
        let y = dropout(g, y)?;
        ops::add(g, y, x)
    }

    fn self_attention(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let mut project = |name| {
            let y = layers::linear(g, name, x, self.hidden, self.hidden, true)?;
            self.attention.split(g, y)
        };
        let projections = [project("q_proj")?, project("k_proj")?, project("v_proj")?];
        let x = self.attention.encoder(g, projections, true)?;
        layers::linear(g, "o_proj", x, self.hidden, self.hidden, true)
    }
}

fn dropout(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    g.scope("dropout", |g| ops::dropout(g, x, DROPOUT))
}

/// Modules of a layer now, and in the version that the checkpoints were published with.
const RENAMED: [(&str, &str); 8] = [
    ("attention.q_proj", "attention.attention.query"),
    ("attention.k_proj", "attention.attention.key"),
    ("attention.v_proj", "attention.attention.value"),
    ("attention.o_proj", "attention.output.dense"),
    ("mlp.fc1", "intermediate.dense"),
    ("mlp.fc2", "output.dense"),
    ("layernorm_before", "layernorm_before"),
    ("layernorm_after", "layernorm_after"),
];

/// The name in published checkpoints, where it differs.
fn published_name(name: &str) -> Option<String> {
    let (layer, rest) = name.strip_prefix("vit.layers.")?.split_once('.')?;
    let (module, parameter) = rest.rsplit_once('.')?;
    let (_, published) = RENAMED.iter().find(|(now, _)| *now == module)?;
    Some(format!("vit.encoder.layer.{layer}.{published}.{parameter}"))
}
