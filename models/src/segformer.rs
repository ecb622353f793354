//! SegFormer (Xie et al. 2021, <https://arxiv.org/abs/2105.15203>): a pyramid of transformers whose keys and
//! values are reduced by strided convolutions, and a decoder that joins all stages.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_datasets::IMAGENET_EXACT;
use nongemm_operators as ops;
use nongemm_operators::{Conv2d, layers};

use crate::attention::{Attention, Function};
use crate::layout::{dense, sizes};
use crate::published::Published;
use crate::settings::{batch, divide, image, preset, signed, size, stages, widths};

#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Blocks of each stage.
    stages: [usize; 4],
    /// Features of each stage.
    hidden: [usize; 4],
    /// Heads of each stage.
    heads: [usize; 4],
    /// Features that the decoder gives every stage.
    decoder: usize,
    labels: usize,
}

const SMALL: Sizes = Sizes {
    stages: [2, 1, 1, 1],
    hidden: [8, 16, 24, 32],
    heads: [1, 2, 3, 4],
    decoder: 16,
    labels: 10,
};

const B0: Sizes = Sizes {
    stages: [2, 2, 2, 2],
    hidden: [32, 64, 160, 256],
    heads: [1, 2, 5, 8],
    decoder: 256,
    labels: 150,
};

/// The smallest SegFormer: 3.8 million parameters, transformers' `SegformerForSemanticSegmentation`.
///
/// Input `pixel_values[batch, channels, image, image]`, output `logits[batch, labels, image / 4, image / 4]`.
pub static SEGFORMER_B0: Published = Published {
    id: "segformer-b0",
    domain: Domain::ImageSegmentation,
    checkpoint: "nvidia/segformer-b0-finetuned-ade-512-512",
    reference: "transformers 5.17.0 SegformerForSemanticSegmentation",
    sizes: DefaultSizes::image(512),
    build: |g, config| Net::read(B0, config)?.build(g),
    preprocessor: || Box::new(IMAGENET_EXACT),
};

register!(dyn Model, &SEGFORMER_B0);

const EPS: f64 = 1e-5;
const DROPOUT: f64 = 0.0;
const CLASSIFIER_DROPOUT: f64 = 0.1;
const CHANNELS: usize = 3;
const MLP_RATIO: usize = 4;
/// Side of the overlapping patches of each stage.
const PATCHES: [usize; 4] = [7, 3, 3, 3];
const STRIDES: [usize; 4] = [4, 2, 2, 2];
/// By which factor each stage reduces keys and values, in both directions.
const REDUCTIONS: [usize; 4] = [8, 4, 2, 1];

/// A checked configuration.
struct Net {
    sizes: Sizes,
    channels: usize,
    mlp_ratio: usize,
    batch: usize,
    image: usize,
    function: Function,
}

impl Net {
    fn read(full: Sizes, config: &ModelConfig) -> Result<Self, BuildError> {
        let settings = &config.settings;
        let preset = preset(settings, full, SMALL)?;
        let sizes = Sizes {
            stages: stages(settings, preset.stages)?,
            hidden: widths(settings, "hidden", preset.hidden)?,
            heads: widths(settings, "heads", preset.heads)?,
            decoder: size(settings, "decoder", preset.decoder)?,
            labels: size(settings, "labels", preset.labels)?,
        };
        for (hidden, heads) in sizes.hidden.into_iter().zip(sizes.heads) {
            divide("hidden", hidden, "heads", heads)?;
        }
        let net = Net {
            sizes,
            channels: size(settings, "channels", CHANNELS)?,
            mlp_ratio: size(settings, "mlp_ratio", MLP_RATIO)?,
            batch: batch(config)?,
            image: image(config)?,
            function: Function::read(settings)?,
        };
        let mut side = net.image;
        for (stride, reduction) in STRIDES.into_iter().zip(REDUCTIONS) {
            // Padding of half a patch makes each stage as large as the rounded-up quotient.
            side = side.div_ceil(stride);
            if side < reduction {
                return Err(BuildError::config(format!(
                    "image size {} is too small: a stage has {side} tokens a side, which cannot be reduced by {reduction}",
                    net.image
                )));
            }
        }
        Ok(net)
    }

    fn build(&self, g: &mut GraphBuilder) -> Result<(), BuildError> {
        let shape = [self.batch, self.channels, self.image, self.image];
        let mut x = g.input("pixel_values", TensorSpec::new(g.dtype(), shape))?;
        let mut maps = Vec::new();
        for index in 0..self.sizes.stages.len() {
            let name = format!("segformer.stages.{index}");
            x = g.scope(&name, |g| self.stage(index).build(g, x))?;
            maps.push(x);
        }
        let logits = g.scope("decode_head", |g| self.decode(g, &maps))?;
        g.output("logits", logits);
        g.alias_all(published_name);
        Ok(())
    }

    fn stage(&self, index: usize) -> Stage {
        let hidden = self.sizes.hidden;
        Stage {
            channels: index.checked_sub(1).map_or(self.channels, |i| hidden[i]),
            hidden: hidden[index],
            heads: self.sizes.heads[index],
            blocks: self.sizes.stages[index],
            patch: PATCHES[index],
            stride: STRIDES[index],
            reduction: REDUCTIONS[index],
            intermediate: self.mlp_ratio * hidden[index],
            function: self.function,
        }
    }

    /// Resizes all maps to the first one's size and classifies each of its places.
    fn decode(&self, g: &mut GraphBuilder, maps: &[Value]) -> Result<Value, BuildError> {
        let Sizes {
            decoder, labels, ..
        } = self.sizes;
        let [_, _, height, width] = sizes(g, maps[0])?;
        let mut joined = Vec::new();
        for (index, (&map, hidden)) in maps.iter().zip(self.sizes.hidden).enumerate() {
            let [batch, _, h, w] = sizes(g, map)?;
            let x = g.scope(&format!("linear_projections.{index}"), |g| {
                let x = ops::flatten(g, map, 2, -1)?;
                let x = ops::transpose(g, x, 1, 2)?;
                layers::linear(g, "proj", x, hidden, decoder, true)
            })?;
            let x = ops::transpose(g, x, 1, 2)?;
            let x = ops::reshape(g, x, &[signed(batch), -1, signed(h), signed(w)])?;
            joined.insert(0, ops::upsample_bilinear2d(g, x, [height, width])?);
        }
        let x = ops::cat(g, &joined, 1)?;
        let plain = Conv2d::default();
        let channels = [decoder * joined.len(), decoder];
        let x = layers::conv2d(g, "linear_fuse", x, channels, [1, 1], plain.clone(), false)?;
        let x = layers::batch_norm(g, "batch_norm", x, decoder, EPS)?;
        let x = g.scope("activation", |g| ops::relu(g, x))?;
        let x = g.scope("dropout", |g| ops::dropout(g, x, CLASSIFIER_DROPOUT))?;
        layers::conv2d(g, "classifier", x, [decoder, labels], [1, 1], plain, true)
    }
}

/// One stage of the pyramid.
struct Stage {
    channels: usize,
    hidden: usize,
    heads: usize,
    blocks: usize,
    patch: usize,
    stride: usize,
    reduction: usize,
    intermediate: usize,
    function: Function,
}

impl Stage {
    /// `[batch, channels, h, w]` to `[batch, hidden, h / stride, w / stride]`.
    fn build(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let (mut x, side) = g.scope("patch_embeddings", |g| self.patches(g, x))?;
        for index in 0..self.blocks {
            x = g.scope(&format!("blocks.{index}"), |g| self.block(g, x, side))?;
        }
        let x = layers::layer_norm(g, "layer_norm", x, &[self.hidden], EPS)?;
        let [batch, _, _] = sizes(g, x)?;
        let [batch, side] = [batch, side].map(signed);
        let x = ops::reshape(g, x, &[batch, side, side, -1])?;
        let x = ops::permute(g, x, &[0, 3, 1, 2])?;
        dense(g, x, &[0, 3, 1, 2])
    }

    /// Tokens `[batch, side², hidden]` of overlapping patches, and the side.
    fn patches(&self, g: &mut GraphBuilder, x: Value) -> Result<(Value, usize), BuildError> {
        let conv = Conv2d {
            stride: [self.stride; 2],
            padding: [self.patch / 2; 2],
            ..Conv2d::default()
        };
        let channels = [self.channels, self.hidden];
        let x = layers::conv2d(g, "proj", x, channels, [self.patch; 2], conv, true)?;
        let [_, _, side, _] = sizes(g, x)?;
        let x = ops::flatten(g, x, 2, -1)?;
        let x = ops::transpose(g, x, 1, 2)?;
        let x = layers::layer_norm(g, "layer_norm", x, &[self.hidden], EPS)?;
        Ok((x, side))
    }

    fn block(&self, g: &mut GraphBuilder, x: Value, side: usize) -> Result<Value, BuildError> {
        let y = layers::layer_norm(g, "layernorm_before", x, &[self.hidden], EPS)?;
        let y = g.scope("attention", |g| self.attention(g, y, side))?;
        let y = g.scope("hidden_dropout", |g| ops::dropout(g, y, DROPOUT))?;
        let x = ops::add(g, y, x)?;
        let y = layers::layer_norm(g, "layernorm_after", x, &[self.hidden], EPS)?;
        let y = g.scope("mlp", |g| self.mlp(g, y, side))?;
        ops::add(g, y, x)
    }

    fn attention(&self, g: &mut GraphBuilder, x: Value, side: usize) -> Result<Value, BuildError> {
        let [batch, tokens, hidden] = sizes(g, x)?;
        let attention = Attention::new(self.function, hidden, self.heads, [batch, tokens])?;
        let project = |g: &mut GraphBuilder, name, x| {
            let y = layers::linear(g, name, x, hidden, hidden, true)?;
            attention.split(g, y)
        };
        let query = project(g, "q_proj", x)?;
        let reduced = match self.reduction {
            1 => x,
            _ => g.scope("sequence_reduction", |g| self.reduce(g, x, side))?,
        };
        let key = project(g, "k_proj", reduced)?;
        let value = project(g, "v_proj", reduced)?;
        let x = attention.encoder(g, [query, key, value], None, true)?;
        layers::linear(g, "o_proj", x, hidden, hidden, true)
    }

    /// Fewer tokens: a convolution whose stride is its side.
    fn reduce(&self, g: &mut GraphBuilder, x: Value, side: usize) -> Result<Value, BuildError> {
        let [batch, _, hidden] = sizes(g, x)?;
        let shape = [batch, hidden, side, side].map(signed);
        let x = ops::transpose(g, x, 1, 2)?;
        let x = ops::reshape(g, x, &shape)?;
        let reduction = [self.reduction; 2];
        let conv = Conv2d {
            stride: reduction,
            ..Conv2d::default()
        };
        let channels = [hidden, hidden];
        let x = layers::conv2d(g, "sequence_reduction", x, channels, reduction, conv, true)?;
        let x = ops::reshape(g, x, &[shape[0], shape[1], -1])?;
        let x = ops::transpose(g, x, 1, 2)?;
        layers::layer_norm(g, "layer_norm", x, &[hidden], EPS)
    }

    /// A feed-forward network with a depth-wise convolution inside, which tells places apart.
    fn mlp(&self, g: &mut GraphBuilder, x: Value, side: usize) -> Result<Value, BuildError> {
        let (hidden, inner) = (self.hidden, self.intermediate);
        let dropout = |g: &mut GraphBuilder, x| g.scope("dropout", |g| ops::dropout(g, x, DROPOUT));
        let x = layers::linear(g, "fc1", x, hidden, inner, true)?;
        let x = g.scope("dwconv", |g| depthwise(g, x, inner, side))?;
        let x = g.scope("activation_fn", |g| ops::gelu(g, x))?;
        let x = dropout(g, x)?;
        let x = layers::linear(g, "fc2", x, inner, hidden, true)?;
        dropout(g, x)
    }
}

/// A convolution of each feature's own map.
fn depthwise(
    g: &mut GraphBuilder,
    x: Value,
    features: usize,
    side: usize,
) -> Result<Value, BuildError> {
    let [batch, _, _] = sizes(g, x)?;
    let x = ops::transpose(g, x, 1, 2)?;
    let x = ops::view(g, x, &[batch, features, side, side].map(signed))?;
    let conv = Conv2d {
        padding: [1, 1],
        groups: features,
        ..Conv2d::default()
    };
    let x = layers::conv2d(g, "dwconv", x, [features; 2], [3, 3], conv, true)?;
    let x = ops::flatten(g, x, 2, -1)?;
    ops::transpose(g, x, 1, 2)
}

/// Modules now, and in the version that the checkpoints were published with: inside a stage, and inside one
/// of its blocks.
const RENAMED: [(&str, &str); 10] = [
    ("layernorm_before.", "layer_norm_1."),
    ("layernorm_after.", "layer_norm_2."),
    ("attention.q_proj.", "attention.self.query."),
    ("attention.k_proj.", "attention.self.key."),
    ("attention.v_proj.", "attention.self.value."),
    ("attention.o_proj.", "attention.output.dense."),
    (
        "attention.sequence_reduction.sequence_reduction.",
        "attention.self.sr.",
    ),
    (
        "attention.sequence_reduction.layer_norm.",
        "attention.self.layer_norm.",
    ),
    ("mlp.fc1.", "mlp.dense1."),
    ("mlp.fc2.", "mlp.dense2."),
];

/// The name in published checkpoints, where it differs.
fn published_name(name: &str) -> Option<String> {
    if let Some(rest) = name.strip_prefix("decode_head.linear_projections.") {
        return Some(format!("decode_head.linear_c.{rest}"));
    }
    let (stage, rest) = name.strip_prefix("segformer.stages.")?.split_once('.')?;
    if let Some(rest) = rest.strip_prefix("patch_embeddings.") {
        return Some(format!("segformer.encoder.patch_embeddings.{stage}.{rest}"));
    }
    let Some(rest) = rest.strip_prefix("blocks.") else {
        return Some(format!(
            "segformer.encoder.layer_norm.{stage}.{}",
            rest.strip_prefix("layer_norm.")?
        ));
    };
    let renamed = RENAMED.iter().find(|(now, _)| rest.contains(now));
    let rest = renamed.map_or(rest.to_owned(), |(now, published)| {
        rest.replace(now, published)
    });
    Some(format!("segformer.encoder.block.{stage}.{rest}"))
}
