//! The vision transformer (Dosovitskiy et al. 2020) as an image classifier.

use nongemm_core::graph::{BuildError, GraphBuilder, Init, Value};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_datasets::VIT_HALF;
use nongemm_operators as ops;
use nongemm_operators::{Conv2d, layers};

use crate::attention::Attention;
use crate::published::Published;
use crate::settings::{batch, image, image_tokens, layers as depth, preset, signed, size};

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

const BASE: Sizes = Sizes {
    layers: 12,
    hidden: 768,
    heads: 12,
    intermediate: 3072,
    patch: 16,
    labels: 1000,
};

const LARGE: Sizes = Sizes {
    layers: 24,
    hidden: 1024,
    heads: 16,
    intermediate: 4096,
    ..BASE
};

const HUGE: Sizes = Sizes {
    layers: 32,
    hidden: 1280,
    heads: 16,
    intermediate: 5120,
    patch: 14,
    ..BASE
};

/// transformers' `ViTForImageClassification`.
///
/// Input `pixel_values[batch, channels, image, image]`, output `logits[batch, labels]`. The table of
/// positions is made for the run's image size.
const FAMILY: Published = Published {
    id: "vit-b16",
    domain: Domain::ImageClassification,
    checkpoint: "google/vit-base-patch16-224",
    reference: "transformers 5.17.0 ViTForImageClassification",
    sizes: DefaultSizes::image(224),
    build: |g, config| Net::read(BASE, config)?.build(g),
    preprocessor: || Box::new(VIT_HALF),
};

/// ViT-Base with patches of 16 pixels: 87 million parameters.
pub static VIT_B16: Published = FAMILY;
/// ViT-Large with patches of 16 pixels: 304 million parameters.
pub static VIT_L16: Published = Published {
    id: "vit-l16",
    checkpoint: "google/vit-large-patch16-224",
    build: |g, config| Net::read(LARGE, config)?.build(g),
    ..FAMILY
};
/// ViT-Huge with patches of 14 pixels: 632 million parameters. Its checkpoint was published without a
/// classifier; the one here has the 1000 labels of the other two.
pub static VIT_H14: Published = Published {
    id: "vit-h14",
    checkpoint: "google/vit-huge-patch14-224-in21k",
    build: |g, config| Net::read(HUGE, config)?.build(g),
    ..FAMILY
};

register!(dyn Model, &VIT_B16);
register!(dyn Model, &VIT_L16);
register!(dyn Model, &VIT_H14);

const EPS: f64 = 1e-12;
const DROPOUT: f64 = 0.0;
const CHANNELS: usize = 3;

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
        let x = self.attention.encoder(g, projections, None, true)?;
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
