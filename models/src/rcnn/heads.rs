//! The box head: what is in each proposal, and where exactly.
//!
//! Synthetic weights: for photographs, class logits have a deviation of about 2 for each box, so that of
//! 90,000 pairs of box and class a few thousand have a probability above the threshold, and suppression
//! leaves more than the published 100 detections. Offsets, divided by the published weights, move boxes by
//! some tens of percent.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_operators as ops;
use nongemm_operators::layers::Start;
use nongemm_operators::{CompareKind, layers};

use super::Detections;
use super::boxes::{clip, decode, large, pick};
use super::nms::{Candidates, batched};
use super::pooling::Pyramid;
use super::sizes::Sizes;
use crate::settings::signed;

/// Bins of a pooled box along each side.
const SIDE: usize = 7;
/// What offsets are divided by.
const WEIGHTS: [f64; 4] = [10.0, 10.0, 5.0, 5.0];
/// Less likely ones are dropped.
const LEAST_SCORE: f64 = 0.05;
/// Shorter sides are dropped.
const SMALLEST: f64 = 1e-2;
/// Boxes of one class that overlap more than this with a better one are dropped.
const OVERLAP: f64 = 0.5;
/// How far logits and offsets spread with synthetic weights.
const LOGIT_GAIN: f32 = 0.7;
const OFFSET_GAIN: f32 = 1.0;

/// What is found in each image.
pub(super) fn build(
    g: &mut GraphBuilder,
    sizes: &Sizes,
    pyramid: &Pyramid<'_>,
    proposals: &[Value],
    image: [usize; 2],
) -> Result<Vec<Detections>, BuildError> {
    let Sizes {
        channels,
        hidden,
        labels,
        ..
    } = *sizes;
    let x = g.scope("box_roi_pool", |g| {
        pyramid.pool(g, proposals, channels, SIDE)
    })?;
    let x = g.scope("box_head", |g| {
        let x = ops::flatten(g, x, 1, -1)?;
        let x = layers::linear(g, "fc6", x, channels * SIDE * SIDE, hidden, true)?;
        let x = ops::relu(g, x)?;
        let x = layers::linear(g, "fc7", x, hidden, hidden, true)?;
        ops::relu(g, x)
    })?;
    let [logits, offsets] = g.scope("box_predictor", |g| {
        let x = ops::flatten(g, x, 1, -1)?;
        let (scores, boxes) = (Start::gain(LOGIT_GAIN), Start::gain(OFFSET_GAIN));
        let logits = layers::linear_from(g, "cls_score", x, [hidden, labels], scores)?;
        let offsets = layers::linear_from(g, "bbox_pred", x, [hidden, 4 * labels], boxes)?;
        Ok::<_, BuildError>([logits, offsets])
    })?;
    let boxes = decode(g, offsets, proposals, labels, WEIGHTS)?;
    let scores = ops::softmax(g, logits, -1)?;
    let boxes = split(g, boxes, proposals)?;
    let scores = split(g, scores, proposals)?;
    let images = boxes.into_iter().zip(scores);
    images
        .map(|(boxes, scores)| filter(g, sizes, boxes, scores, image))
        .collect()
}

/// Rows of all images, image by image.
pub(super) fn split(
    g: &mut GraphBuilder,
    x: Value,
    images: &[Value],
) -> Result<Vec<Value>, BuildError> {
    ops::split_like(g, x, images)
}

/// The best boxes of an image, class by class.
fn filter(
    g: &mut GraphBuilder,
    sizes: &Sizes,
    boxes: Value,
    scores: Value,
    image: [usize; 2],
) -> Result<Detections, BuildError> {
    let boxes = clip(g, boxes, image)?;
    let labels = ops::arange(g, sizes.labels)?;
    let labels = ops::view(g, labels, &[1, -1])?;
    let labels = ops::expand_as(g, labels, scores)?;
    // The first class is the background.
    let boxes = ops::slice(g, boxes, 1, 1, None)?;
    let scores = ops::slice(g, scores, 1, 1, None)?;
    let labels = ops::slice(g, labels, 1, 1, None)?;
    let boxes = ops::reshape(g, boxes, &[-1, 4])?;
    let scores = ops::reshape(g, scores, &[-1])?;
    let labels = ops::reshape(g, labels, &[-1])?;
    let keep = ops::compare_scalar(g, CompareKind::Gt, scores, LEAST_SCORE)?;
    let keep = ops::where_true(g, keep)?;
    let [boxes, scores, labels] = pick(g, [boxes, scores, labels], keep)?;
    let keep = large(g, boxes, SMALLEST)?;
    let [boxes, scores, labels] = pick(g, [boxes, scores, labels], keep)?;
    let candidates = Candidates {
        boxes,
        scores,
        classes: labels,
    };
    let keep = batched(g, &candidates, sizes.nms, sizes.labels - 1, OVERLAP)?;
    let keep = ops::slice(g, keep, 0, 0, Some(signed(sizes.detections)))?;
    let [boxes, scores, labels] = pick(g, [boxes, scores, labels], keep)?;
    Ok(Detections {
        boxes,
        scores,
        labels,
        masks: None,
    })
}
