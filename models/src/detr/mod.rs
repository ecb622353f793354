//! DETR (Carion et al. 2020): boxes as the answers of a transformer, without anchors or suppression.
//!
//! Photographs of a batch are padded to one size; attention leaves the padding out. The graph ends with
//! the post-processing of the reference's image processor: how many boxes are likely enough, only the
//! data decide.

mod backbone;
mod decoder;
mod position;
mod post;

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig, Settings};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_datasets::DETECTION_IMAGENET;
use nongemm_operators as ops;
use nongemm_operators::layers::Start;
use nongemm_operators::{Conv2d, layers};

use crate::masking::bidirectional;
use crate::published::Published;
use crate::settings;
use crate::settings::{divide, preset, size, stages};
use decoder::{Attention, Keys};

/// ResNet-50 below, 41.5 million parameters.
///
/// Inputs `pixel_values[batch, 3, image, image]`, `pixel_mask[batch, image, image]` (1 for the
/// photograph, 0 for padding) and `target_sizes[batch, 2]` (height and width of each photograph).
/// Outputs `logits[batch, queries, labels + 1]`, `pred_boxes[batch, queries, 4]` (centre and size, parts
/// of the photograph) and for each image `i` `scores.i[n]`, `labels.i[n]` and `boxes.i[n, 4]` (corners in
/// pixels of the photograph) of the likely ones.
pub static DETR: Published = Published {
    id: "detr",
    domain: Domain::ObjectDetection,
    checkpoint: "facebook/detr-resnet-50",
    reference: "transformers 5.17.0 DetrForObjectDetection",
    sizes: DefaultSizes::image(800),
    build: |g, config| Detr::read(config)?.build(g),
    preprocessor: || Box::new(DETECTION_IMAGENET),
};

register!(dyn Model, &DETR);

const EPS: f64 = 1e-5;
const DROPOUT: f64 = 0.1;
/// How far the logits spread with synthetic weights: a few of the queries find something likely.
const LOGIT_GAIN: f32 = 3.0;

#[derive(Clone, Copy)]
struct Sizes {
    /// Blocks of each stage of the residual network.
    stages: [usize; 4],
    hidden: usize,
    heads: usize,
    intermediate: usize,
    encoder_layers: usize,
    decoder_layers: usize,
    /// Boxes that are asked for.
    queries: usize,
    /// Classes, without that for nothing.
    labels: usize,
}

const PUBLISHED: Sizes = Sizes {
    stages: [3, 4, 6, 3],
    hidden: 256,
    heads: 8,
    intermediate: 2048,
    encoder_layers: 6,
    decoder_layers: 6,
    queries: 100,
    labels: 91,
};

const SMALL: Sizes = Sizes {
    stages: [1, 1, 1, 1],
    hidden: 32,
    heads: 4,
    intermediate: 64,
    encoder_layers: 1,
    decoder_layers: 2,
    queries: 7,
    labels: 5,
};

/// A configuration for one batch.
struct Detr {
    sizes: Sizes,
    batch: usize,
    image: usize,
    /// Width of one head.
    width: usize,
    /// Whether attention leaves padding out.
    masked: bool,
}

impl Detr {
    fn read(config: &ModelConfig) -> Result<Self, BuildError> {
        let settings = &config.settings;
        let preset = preset(settings, PUBLISHED, SMALL)?;
        let sizes = Sizes {
            stages: stages(settings, preset.stages)?,
            hidden: size(settings, "hidden", preset.hidden)?,
            heads: size(settings, "heads", preset.heads)?,
            intermediate: size(settings, "intermediate", preset.intermediate)?,
            encoder_layers: depth(settings, "encoder_layers", preset.encoder_layers)?,
            decoder_layers: depth(settings, "decoder_layers", preset.decoder_layers)?,
            queries: size(settings, "queries", preset.queries)?,
            labels: size(settings, "labels", preset.labels)?,
        };
        divide("hidden", sizes.hidden, "4, for sines and cosines,", 4)?;
        Ok(Detr {
            width: divide("hidden", sizes.hidden, "heads", sizes.heads)?,
            sizes,
            batch: settings::images(config)?,
            image: settings::image(config)?,
            masked: settings.choice("padding", &["masked", "none"])? == "masked",
        })
    }

    fn build(&self, g: &mut GraphBuilder) -> Result<(), BuildError> {
        let (batch, side) = (self.batch, self.image);
        let pixels = TensorSpec::new(g.dtype(), [batch, 3, side, side]);
        let pixels = g.input("pixel_values", pixels)?;
        let mask = TensorSpec::new(DType::I64, [batch, side, side]);
        let mask = g.index_input("pixel_mask", mask, 2)?;
        let target = TensorSpec::new(DType::I64, [batch, 2]);
        let target = g.index_input("target_sizes", target, MOST_PIXELS)?;
        let answers = g.scope("model", |g| self.model(g, pixels, mask))?;
        let Sizes { hidden, labels, .. } = self.sizes;
        let start = Start::gain(LOGIT_GAIN);
        let name = "class_labels_classifier";
        let logits = layers::linear_from(g, name, answers, [hidden, labels + 1], start)?;
        let boxes = g.scope("bbox_predictor", |g| self.boxes(g, answers))?;
        let boxes = ops::sigmoid(g, boxes)?;
        g.output("logits", logits);
        g.output("pred_boxes", boxes);
        post::build(g, logits, boxes, target)?;
        g.alias_all(published_name);
        Ok(())
    }

    fn model(&self, g: &mut GraphBuilder, pixels: Value, mask: Value) -> Result<Value, BuildError> {
        let (features, channels, mask) = g.scope("backbone", |g| {
            let stages = self.sizes.stages;
            let (features, channels) = g.scope("model", |g| backbone::build(g, pixels, stages))?;
            Ok::<_, BuildError>((features, channels, reduced(g, mask, features)?))
        })?;
        let pair = [channels, self.sizes.hidden];
        let point = Conv2d::default();
        let x = layers::conv2d(g, "input_projection", features, pair, [1, 1], point, true)?;
        let x = rows(g, x)?;
        let position = g.scope("position_embedding", |g| {
            position::build(g, mask, self.sizes.hidden / 2)
        })?;
        let position = rows(g, position)?;
        let mask = ops::flatten(g, mask, 1, -1)?;
        let tokens = g
            .spec(x)
            .size(1)
            .map_err(|e| BuildError::config(e.to_string()))?;
        let memory = g.scope("encoder", |g| self.encoder(g, x, position, mask, tokens))?;
        let queries = g.scope("query_position_embeddings", |g| {
            let Sizes {
                queries, hidden, ..
            } = self.sizes;
            g.param(
                "weight",
                [queries, hidden],
                nongemm_core::graph::Init::std(1.0),
            )
        })?;
        let queries = ops::unsqueeze(g, queries, 0)?;
        let queries = ops::repeat(g, queries, &[self.batch, 1, 1])?;
        let dtype = g.dtype();
        let start = ops::zeros_like(g, queries, dtype)?;
        g.scope("decoder", |g| {
            let mask = self.mask(g, [self.sizes.queries, tokens], mask)?;
            let keys = Keys {
                memory,
                position,
                mask,
                tokens,
            };
            self.decoder(g, start, queries, &keys)
        })
    }

    /// What attention leaves out. The reference looks whether anything is padding, and adds a mask only then.
    fn mask(
        &self,
        g: &mut GraphBuilder,
        tokens: [usize; 2],
        mask: Value,
    ) -> Result<Option<Value>, BuildError> {
        if self.masked {
            return bidirectional(g, self.batch, tokens, mask).map(Some);
        }
        let mask = ops::to(g, mask, DType::Bool)?;
        let all = ops::all(g, mask)?;
        ops::is_nonzero(g, all)?;
        Ok(None)
    }

    fn encoder(
        &self,
        g: &mut GraphBuilder,
        x: Value,
        position: Value,
        mask: Value,
        tokens: usize,
    ) -> Result<Value, BuildError> {
        let mut x = ops::dropout(g, x, DROPOUT)?;
        let mask = self.mask(g, [tokens; 2], mask)?;
        let attention = Attention {
            batch: self.batch,
            hidden: self.sizes.hidden,
            width: self.width,
        };
        for layer in 0..self.sizes.encoder_layers {
            x = g.scope(&format!("layers.{layer}"), |g| {
                let y = g.scope("self_attn", |g| attention.own(g, x, position, tokens, mask))?;
                let x = self.residual(g, "self_attn_layer_norm", x, y, true)?;
                let y = g.scope("mlp", |g| self.mlp(g, x))?;
                self.residual(g, "final_layer_norm", x, y, false)
            })?;
        }
        Ok(x)
    }

    /// Adds a branch and normalises; the branch of an attention is dropped out here, that of an MLP in it.
    fn residual(
        &self,
        g: &mut GraphBuilder,
        norm: &str,
        x: Value,
        branch: Value,
        dropout: bool,
    ) -> Result<Value, BuildError> {
        let branch = if dropout {
            ops::dropout(g, branch, DROPOUT)?
        } else {
            branch
        };
        let x = ops::add(g, x, branch)?;
        layers::layer_norm(g, norm, x, &[self.sizes.hidden], EPS)
    }

    fn mlp(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let Sizes {
            hidden,
            intermediate,
            ..
        } = self.sizes;
        let x = layers::linear(g, "fc1", x, hidden, intermediate, true)?;
        let x = g.scope("activation_fn", |g| ops::relu(g, x))?;
        let x = ops::dropout(g, x, 0.0)?;
        let x = layers::linear(g, "fc2", x, intermediate, hidden, true)?;
        ops::dropout(g, x, DROPOUT)
    }

    /// Three layers that make a box of each answer.
    fn boxes(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let hidden = self.sizes.hidden;
        let x = layers::linear(g, "layers.0", x, hidden, hidden, true)?;
        let x = ops::relu(g, x)?;
        let x = layers::linear(g, "layers.1", x, hidden, hidden, true)?;
        let x = ops::relu(g, x)?;
        layers::linear(g, "layers.2", x, hidden, 4, true)
    }
}

/// Sides of photographs are below this.
const MOST_PIXELS: usize = 1 << 16;

fn depth(settings: &Settings, key: &str, preset: usize) -> Result<usize, BuildError> {
    let count = size(settings, key, preset)?;
    if count > settings::DEEPEST {
        return Err(BuildError::config(format!(
            "setting {key} must be from 1 to {}, got {count}",
            settings::DEEPEST
        )));
    }
    Ok(count)
}

/// `[batch, channels, h, w]` as rows `[batch, h w, channels]`.
fn rows(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    let x = ops::flatten(g, x, 2, -1)?;
    ops::transpose(g, x, 1, 2)
}

/// The mask of the pixels as a mask of the feature map's.
fn reduced(g: &mut GraphBuilder, mask: Value, features: Value) -> Result<Value, BuildError> {
    let side = |axis| {
        let size = g.spec(features).size(axis);
        size.map_err(|e| BuildError::config(e.to_string()))
    };
    let size = [side(2)?, side(3)?];
    let mask = ops::unsqueeze(g, mask, 0)?;
    let mask = ops::to(g, mask, DType::F32)?;
    let mask = ops::upsample_nearest2d(g, mask, size)?;
    let mask = ops::to(g, mask, DType::Bool)?;
    ops::select(g, mask, 0, 0)
}

/// The name in checkpoints published before the reference renamed its modules.
fn published_name(name: &str) -> Option<String> {
    if let Some(rest) = name.strip_prefix("model.backbone.model.") {
        return Some(format!("model.backbone.conv_encoder.model.{rest}"));
    }
    for (new, old) in [
        (".o_proj.", ".out_proj."),
        (".mlp.fc1.", ".fc1."),
        (".mlp.fc2.", ".fc2."),
    ] {
        if name.contains(new) {
            return Some(name.replace(new, old));
        }
    }
    None
}
