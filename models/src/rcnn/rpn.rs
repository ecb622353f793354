//! The region proposal network: where something may be.
//!
//! Synthetic weights: for photographs, whose features have a deviation of about 4 here, objectness has
//! one of about 1, so that its sigmoid is spread and does not saturate. Offsets of about a third move and
//! stretch the anchors, so that neighbours overlap as much as those of a trained network do: of some 4000
//! candidates, half are suppressed and 1000 proposals are left, of all sizes.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Init, Value};
use nongemm_operators as ops;
use nongemm_operators::{CompareKind, Conv2d};

use super::anchors;
use super::boxes::{clip, decode, large, pick};
use super::nms::{Candidates, batched};
use super::sizes::{Batching, Sizes};
use super::transform::Images;
use crate::settings::signed;

/// Boxes that overlap more than this with a better one are dropped.
const OVERLAP: f64 = 0.7;
/// Shorter sides are dropped.
const SMALLEST: f64 = 1e-3;
/// Less likely ones are dropped.
const LEAST_SCORE: f64 = 0.0;
/// With more candidates than this, torchvision suppresses level by level on the CPU.
const MANY: usize = 1000;
/// How far objectness and offsets spread with synthetic weights.
const OBJECTNESS_GAIN: f32 = 0.3;
const OFFSET_GAIN: f32 = 0.15;

/// The proposals of each image, `[n, 4]`.
pub(super) fn build(
    g: &mut GraphBuilder,
    sizes: &Sizes,
    pyramid: &[Value],
    images: &Images,
) -> Result<Vec<Value>, BuildError> {
    let head = g.scope("head", |g| Head::declare(g, sizes.channels))?;
    let mut found = Vec::new();
    let mut grids = Vec::new();
    for &level in pyramid {
        let side = |axis| {
            let size = g.spec(level).size(axis);
            size.map_err(|e| BuildError::config(e.to_string()))
        };
        grids.push([side(2)?, side(3)?]);
        found.push(g.scope("head", |g| head.apply(g, level))?);
    }
    let anchors = g.scope("anchor_generator", |g| anchors::build(g, &grids, images))?;
    let batch = images.batch;
    // The reference reads the sizes of a level off its first image.
    for &[score, _] in &found {
        ops::select(g, score, 0, 0)?;
    }
    let (mut scores, mut offsets) = (Vec::new(), Vec::new());
    for (&[score, offset], &grid) in found.iter().zip(&grids) {
        scores.push(flat(g, score, 1, batch, grid)?);
        offsets.push(flat(g, offset, 4, batch, grid)?);
    }
    let scores = ops::cat(g, &scores, 1)?;
    let scores = ops::flatten(g, scores, 0, -2)?;
    let offsets = ops::cat(g, &offsets, 1)?;
    let offsets = ops::reshape(g, offsets, &[-1, 4])?;
    let offsets = ops::detach(g, offsets)?;
    let boxes = decode(g, offsets, &anchors, 1, [1.0; 4])?;
    let boxes = ops::view(g, boxes, &[signed(batch), -1, 4])?;
    let level_sizes: Vec<usize> = grids
        .iter()
        .map(|[height, width]| height * width * anchors::PER_PIXEL)
        .collect();
    filter(g, sizes, images, boxes, scores, &level_sizes)
}

/// The layers that all levels share.
struct Head {
    conv: [Value; 2],
    objectness: [Value; 2],
    offsets: [Value; 2],
}

impl Head {
    fn declare(g: &mut GraphBuilder, channels: usize) -> Result<Self, BuildError> {
        let mut layer = |name: &str, out: usize, kernel: usize, gain: f32, bias| {
            let fan_in = (channels * kernel * kernel) as f32;
            g.scope(name, |g| {
                let init = Init::std(gain * fan_in.recip().sqrt());
                let weight = g.param("weight", [out, channels, kernel, kernel], init)?;
                Ok::<_, BuildError>([weight, g.param("bias", [out], bias)?])
            })
        };
        let (none, some) = (Init::around(0.0, 0.0), Init::around(0.0, 0.1));
        let per_pixel = anchors::PER_PIXEL;
        Ok(Head {
            conv: layer("conv.0.0", channels, 3, 1.0, some)?,
            objectness: layer("cls_logits", per_pixel, 1, OBJECTNESS_GAIN, none)?,
            offsets: layer("bbox_pred", 4 * per_pixel, 1, OFFSET_GAIN, none)?,
        })
    }

    fn apply(&self, g: &mut GraphBuilder, x: Value) -> Result<[Value; 2], BuildError> {
        let mut conv = |name: &str, x, [weight, bias]: [Value; 2], padding| {
            let conv = Conv2d {
                padding: [padding; 2],
                ..Conv2d::default()
            };
            g.scope(name, |g| ops::conv2d(g, x, weight, Some(bias), conv))
        };
        let x = conv("conv.0.0", x, self.conv, 1)?;
        let x = g.scope("conv.0.1", |g| ops::relu_(g, x))?;
        let mut conv = |name: &str, [weight, bias]: [Value; 2]| {
            g.scope(name, |g| {
                ops::conv2d(g, x, weight, Some(bias), Conv2d::default())
            })
        };
        Ok([
            conv("cls_logits", self.objectness)?,
            conv("bbox_pred", self.offsets)?,
        ])
    }
}

/// `[batch, anchors * width, h, w]` as `[batch, h * w * anchors, width]`.
fn flat(
    g: &mut GraphBuilder,
    x: Value,
    width: usize,
    batch: usize,
    [h, w]: [usize; 2],
) -> Result<Value, BuildError> {
    let size = [batch, 0, width, h, w].map(signed);
    let x = ops::view(g, x, &[size[0], -1, size[2], size[3], size[4]])?;
    let x = ops::permute(g, x, &[0, 3, 4, 1, 2])?;
    ops::reshape(g, x, &[size[0], -1, size[2]])
}

/// The best candidates of each level, cut at the image, without small ones and those that overlap.
fn filter(
    g: &mut GraphBuilder,
    sizes: &Sizes,
    images: &Images,
    boxes: Value,
    scores: Value,
    level_sizes: &[usize],
) -> Result<Vec<Value>, BuildError> {
    let batch = signed(images.batch);
    let scores = ops::detach(g, scores)?;
    let scores = ops::reshape(g, scores, &[batch, -1])?;
    let levels = level_numbers(g, scores, level_sizes)?;
    let chosen = best(g, scores, level_sizes, sizes.proposals)?;
    let range = ops::arange(g, images.batch)?;
    let range = ops::unsqueeze(g, range, 1)?;
    let mut parts = Vec::new();
    for x in [scores, levels, boxes] {
        parts.push(ops::index(g, x, &[range, chosen])?);
    }
    let likely = ops::sigmoid(g, parts[0])?;
    let boxes = ops::unbind(g, parts[2], 0)?;
    let scores = ops::unbind(g, likely, 0)?;
    let levels = ops::unbind(g, parts[1], 0)?;
    let candidates: usize = level_sizes.iter().map(|&n| n.min(sizes.proposals)).sum();
    let batching = match sizes.nms {
        Batching::Auto if candidates > MANY => Batching::Loop,
        batching => batching,
    };
    let mut proposals = Vec::new();
    for ((boxes, scores), classes) in boxes.into_iter().zip(scores).zip(levels) {
        let boxes = clip(g, boxes, images.size)?;
        let keep = large(g, boxes, SMALLEST)?;
        let [boxes, scores, classes] = pick(g, [boxes, scores, classes], keep)?;
        let keep = ops::compare_scalar(g, CompareKind::Ge, scores, LEAST_SCORE)?;
        let keep = ops::where_true(g, keep)?;
        let [boxes, scores, classes] = pick(g, [boxes, scores, classes], keep)?;
        let candidates = Candidates {
            boxes,
            scores,
            classes,
        };
        let keep = batched(g, &candidates, batching, level_sizes.len(), OVERLAP)?;
        let keep = ops::slice(g, keep, 0, 0, Some(signed(sizes.proposals)))?;
        // The reference keeps the scores as well, which nothing reads.
        let [boxes, _] = pick(g, [boxes, scores], keep)?;
        proposals.push(boxes);
    }
    Ok(proposals)
}

/// The level of each candidate, as large as the scores.
fn level_numbers(
    g: &mut GraphBuilder,
    scores: Value,
    level_sizes: &[usize],
) -> Result<Value, BuildError> {
    let mut levels = Vec::new();
    for (level, &size) in level_sizes.iter().enumerate() {
        levels.push(ops::full(g, &[size], level as f64, DType::I64)?);
    }
    let levels = ops::cat(g, &levels, 0)?;
    let levels = ops::reshape(g, levels, &[1, -1])?;
    ops::expand_as(g, levels, scores)
}

/// The positions of the best candidates of each level.
fn best(
    g: &mut GraphBuilder,
    scores: Value,
    level_sizes: &[usize],
    most: usize,
) -> Result<Value, BuildError> {
    let levels = ops::split_with_sizes(g, scores, level_sizes, 1)?;
    let (mut positions, mut offset) = (Vec::new(), 0);
    for (level, &size) in levels.into_iter().zip(level_sizes) {
        let [_, top] = ops::topk(g, level, most.min(size), 1)?;
        positions.push(ops::add_scalar(g, top, offset as f64)?);
        offset += size;
    }
    ops::cat(g, &positions, 1)
}
