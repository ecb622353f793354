//! The Swin transformer (Liu et al. 2021, <https://arxiv.org/abs/2103.14030>) as an image classifier.
//!
//! Attention runs inside windows; in every other block the windows are shifted by half their side. The
//! blocks are in `swin/`, stage by stage smaller and wider.

mod block;
pub(crate) mod windows;

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_datasets::IMAGENET_BICUBIC;
use nongemm_operators as ops;
use nongemm_operators::{Conv2d, Slice, layers};

use crate::attention::Function;
use crate::layout::{dense, sizes};
use crate::published::Published;
use crate::settings::{batch, image, preset, signed, size, small_size, stages, widths};
use block::Block;
pub(crate) use block::relative_position_index;

#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Blocks of each stage.
    stages: [usize; 4],
    /// Features of the first stage; each further one has twice as many.
    hidden: usize,
    /// Heads of each stage.
    heads: [usize; 4],
    window: usize,
    patch: usize,
    labels: usize,
}

const SMALL: Sizes = Sizes {
    stages: [2, 2, 1, 1],
    hidden: 16,
    heads: [1, 2, 4, 4],
    window: 2,
    patch: 4,
    labels: 10,
};

const TINY: Sizes = Sizes {
    stages: [2, 2, 6, 2],
    hidden: 96,
    heads: [3, 6, 12, 24],
    window: 7,
    patch: 4,
    labels: 1000,
};

const BASE: Sizes = Sizes {
    stages: [2, 2, 18, 2],
    hidden: 128,
    heads: [4, 8, 16, 32],
    ..TINY
};

/// transformers' `SwinForImageClassification`.
///
/// Input `pixel_values[batch, channels, image, image]`, output `logits[batch, labels]`.
const FAMILY: Published = Published {
    id: "swin-t",
    domain: Domain::ImageClassification,
    checkpoint: "microsoft/swin-tiny-patch4-window7-224",
    reference: "transformers 5.17.0 SwinForImageClassification",
    sizes: DefaultSizes::image(224),
    build: |g, config| Net::read(TINY, config)?.build(g),
    preprocessor: || Box::new(IMAGENET_BICUBIC),
};

/// Swin-Tiny: 28 million parameters.
pub static SWIN_T: Published = FAMILY;
/// Swin-Small: 50 million parameters.
pub static SWIN_S: Published = Published {
    id: "swin-s",
    checkpoint: "microsoft/swin-small-patch4-window7-224",
    build: |g, config| {
        let stages = BASE.stages;
        Net::read(Sizes { stages, ..TINY }, config)?.build(g)
    },
    ..FAMILY
};
/// Swin-Base: 88 million parameters.
pub static SWIN_B: Published = Published {
    id: "swin-b",
    checkpoint: "microsoft/swin-base-patch4-window7-224",
    build: |g, config| Net::read(BASE, config)?.build(g),
    ..FAMILY
};

register!(dyn Model, &SWIN_T);
register!(dyn Model, &SWIN_S);
register!(dyn Model, &SWIN_B);

const EPS: f64 = 1e-5;
const DROPOUT: f64 = 0.0;
const CHANNELS: usize = 3;
const MLP_RATIO: usize = 4;
/// The table of relative positions has the fourth power of a window's side.
const LARGEST_WINDOW: usize = 48;

/// A checked configuration.
struct Net {
    stages: [usize; 4],
    hidden: usize,
    heads: [usize; 4],
    window: usize,
    patch: usize,
    channels: usize,
    labels: usize,
    mlp_ratio: usize,
    batch: usize,
    image: usize,
    function: Function,
}

impl Net {
    fn read(full: Sizes, config: &ModelConfig) -> Result<Self, BuildError> {
        let settings = &config.settings;
        let sizes = preset(settings, full, SMALL)?;
        let net = Net {
            stages: stages(settings, sizes.stages)?,
            hidden: size(settings, "hidden", sizes.hidden)?,
            heads: widths(settings, "heads", sizes.heads)?,
            window: small_size(settings, "window", sizes.window, LARGEST_WINDOW)?,
            patch: size(settings, "patch", sizes.patch)?,
            channels: size(settings, "channels", CHANNELS)?,
            labels: size(settings, "labels", sizes.labels)?,
            mlp_ratio: size(settings, "mlp_ratio", MLP_RATIO)?,
            batch: batch(config)?,
            image: image(config)?,
            function: Function::read(settings)?,
        };
        let last =
            (1..net.stages.len()).fold(net.image.div_ceil(net.patch), |side, _| side.div_ceil(2));
        if last < net.window {
            return Err(BuildError::config(format!(
                "image size {} is too small: the last stage has {last} tokens a side, fewer than a window of {}",
                net.image, net.window
            )));
        }
        Ok(net)
    }

    fn build(&self, g: &mut GraphBuilder) -> Result<(), BuildError> {
        let shape = [self.batch, self.channels, self.image, self.image];
        let pixels = g.input("pixel_values", TensorSpec::new(g.dtype(), shape))?;
        let x = g.scope("swin", |g| self.swin(g, pixels))?;
        let hidden = self.hidden << (self.stages.len() - 1);
        let logits = layers::linear(g, "classifier", x, hidden, self.labels, true)?;
        g.output("logits", logits);
        g.alias_all(published_name);
        Ok(())
    }

    /// `[batch, features]` of the last stage.
    fn swin(&self, g: &mut GraphBuilder, pixels: Value) -> Result<Value, BuildError> {
        let (mut x, mut side) = g.scope("embeddings", |g| self.embeddings(g, pixels))?;
        for stage in 0..self.stages.len() {
            let name = format!("encoder.layers.{stage}");
            (x, side) = g.scope(&name, |g| self.stage(g, stage, x, side))?;
        }
        let hidden = self.hidden << (self.stages.len() - 1);
        let x = layers::layer_norm(g, "layernorm", x, &[hidden], EPS)?;
        let x = ops::transpose(g, x, 1, 2)?;
        let x = g.scope("pooler", |g| ops::adaptive_avg_pool1d(g, x, 1))?;
        ops::flatten(g, x, 1, -1)
    }

    /// `[batch, side², hidden]` and the side.
    fn embeddings(
        &self,
        g: &mut GraphBuilder,
        pixels: Value,
    ) -> Result<(Value, usize), BuildError> {
        let x = g.scope("patch_embeddings", |g| self.patches(g, pixels))?;
        let x = layers::layer_norm(g, "norm", x, &[self.hidden], EPS)?;
        let x = dropout(g, x)?;
        Ok((x, self.image.div_ceil(self.patch)))
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

    /// Returns the tokens for the next stage, and their side.
    fn stage(
        &self,
        g: &mut GraphBuilder,
        stage: usize,
        mut x: Value,
        side: usize,
    ) -> Result<(Value, usize), BuildError> {
        let hidden = self.hidden << stage;
        for index in 0..self.stages[stage] {
            // A single window is not shifted.
            let shifted = index % 2 == 1 && side > self.window;
            let block = Block {
                batch: self.batch,
                side,
                hidden,
                heads: self.heads[stage],
                window: self.window,
                shift: if shifted { self.window / 2 } else { 0 },
                intermediate: self.mlp_ratio * hidden,
                function: self.function,
            };
            x = g.scope(&format!("blocks.{index}"), |g| block.build(g, x))?;
        }
        let (x, side) = if stage + 1 < self.stages.len() {
            let x = g.scope("downsample", |g| merge_patches(g, x, side, hidden))?;
            (x, side.div_ceil(2))
        } else {
            (x, side)
        };
        // The feature map of the stage, which the classifier does not read.
        let [batch, _, hidden] = sizes(g, x)?;
        let map = ops::view(g, x, &[batch, side, side, hidden].map(signed))?;
        let map = ops::permute(g, map, &[0, 3, 1, 2])?;
        dense(g, map, &[0, 3, 1, 2])?;
        Ok((x, side))
    }
}

/// Joins 2 by 2 neighbours: half the side, twice the features.
pub(crate) fn merge_patches(
    g: &mut GraphBuilder,
    x: Value,
    side: usize,
    hidden: usize,
) -> Result<Value, BuildError> {
    let [batch, _, _] = sizes(g, x)?;
    let mut x = ops::view(g, x, &[batch, side, side, hidden].map(signed))?;
    if side % 2 == 1 {
        x = ops::pad(g, x, &[0, 0, 0, 1, 0, 1], 0.0)?;
    }
    let mut corners = Vec::new();
    for [row, column] in [[0, 0], [1, 0], [0, 1], [1, 1]] {
        let rows = every_second(g, x, 1, row)?;
        corners.push(every_second(g, rows, 2, column)?);
    }
    let x = ops::cat(g, &corners, -1)?;
    let x = ops::view(g, x, &[signed(batch), -1, signed(4 * hidden)])?;
    let x = layers::layer_norm(g, "norm", x, &[4 * hidden], EPS)?;
    layers::linear(g, "reduction", x, 4 * hidden, 2 * hidden, false)
}

fn every_second(g: &mut GraphBuilder, x: Value, dim: i64, start: i64) -> Result<Value, BuildError> {
    let slice = Slice {
        dim,
        start,
        end: None,
        step: 2,
    };
    g.one(slice, &[x])
}

fn dropout(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    g.scope("dropout", |g| ops::dropout(g, x, DROPOUT))
}

/// Modules of a block now, and in the version that the checkpoints were published with.
const RENAMED: [(&str, &str); 7] = [
    ("attention.q_proj.", "attention.self.query."),
    ("attention.k_proj.", "attention.self.key."),
    ("attention.v_proj.", "attention.self.value."),
    ("attention.o_proj.", "attention.output.dense."),
    ("attention.relative_position_bias.", "attention.self."),
    ("mlp.fc1.", "intermediate.dense."),
    ("mlp.fc2.", "output.dense."),
];

/// The name in published checkpoints, where it differs.
fn published_name(name: &str) -> Option<String> {
    let (now, published) = RENAMED.iter().find(|(now, _)| name.contains(now))?;
    Some(name.replace(now, published))
}
