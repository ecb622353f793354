//! The mask head: which pixels of a box belong to what is in it.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_operators as ops;
use nongemm_operators::{ConvTranspose2d, layers};

use super::Detections;
use super::boxes::{column, difference};
use super::fpn::conv;
use super::heads::split;
use super::pooling::Pyramid;
use super::sizes::Sizes;

/// Bins of a pooled box along each side.
const SIDE: usize = 14;
/// Side of a mask.
const MASK: usize = 2 * SIDE;
/// Zeros around a mask before it is resized.
const PADDING: i64 = 1;

/// Adds to each image's detections the probability of each pixel, `[n, 1, 28, 28]`.
pub(super) fn build(
    g: &mut GraphBuilder,
    sizes: &Sizes,
    pyramid: &Pyramid<'_>,
    found: &mut [Detections],
) -> Result<(), BuildError> {
    let (channels, labels) = (sizes.channels, sizes.labels);
    let boxes: Vec<Value> = found.iter().map(|image| image.boxes).collect();
    let mut x = g.scope("mask_roi_pool", |g| pyramid.pool(g, &boxes, channels, SIDE))?;
    for layer in 0..4 {
        x = g.scope(&format!("mask_head.{layer}"), |g| {
            let x = conv(g, "0", x, [channels, channels], 3)?;
            g.scope("1", |g| ops::relu_(g, x))
        })?;
    }
    let logits = g.scope("mask_predictor", |g| {
        let double = ConvTranspose2d {
            stride: [2, 2],
            padding: [0, 0],
            output_padding: [0, 0],
            dilation: [1, 1],
        };
        let pair = [channels, channels];
        let x = layers::conv_transpose2d(g, "conv5_mask", x, pair, [2, 2], double)?;
        let x = g.scope("relu", |g| ops::relu_(g, x))?;
        conv(g, "mask_fcn_logits", x, [channels, labels], 1)
    })?;
    let probabilities = ops::sigmoid(g, logits)?;
    let labels: Vec<Value> = found.iter().map(|image| image.labels).collect();
    let all_labels = ops::cat(g, &labels, 0)?;
    let numbers = ops::arange_rows(g, logits)?;
    let own = ops::index(g, probabilities, &[numbers, all_labels])?;
    let own = ops::unsqueeze(g, own, 1)?;
    for (image, masks) in found.iter_mut().zip(split(g, own, &labels)?) {
        image.masks = Some(masks);
    }
    Ok(())
}

/// Masks as large as the image, `[n, 1, height, width]`.
pub(super) fn paste(
    g: &mut GraphBuilder,
    masks: Value,
    boxes: Value,
    size: [usize; 2],
) -> Result<Value, BuildError> {
    let masks = ops::pad(g, masks, &[PADDING; 4], 0.0)?;
    let scale = (MASK as f64 + 2.0 * PADDING as f64) / MASK as f64;
    let boxes = grown(g, boxes, scale)?;
    let boxes = ops::to(g, boxes, DType::I64)?;
    ops::paste_masks(g, masks, boxes, size)
}

/// Boxes larger by a factor, around the same centres.
fn grown(g: &mut GraphBuilder, boxes: Value, scale: f64) -> Result<Value, BuildError> {
    let width = difference(g, boxes, 2, 0)?;
    let half_width = ops::mul_scalar(g, width, 0.5)?;
    let height = difference(g, boxes, 3, 1)?;
    let half_height = ops::mul_scalar(g, height, 0.5)?;
    let x = centre(g, boxes, 2, 0)?;
    let y = centre(g, boxes, 3, 1)?;
    let half_width = ops::mul_scalar_(g, half_width, scale)?;
    let half_height = ops::mul_scalar_(g, half_height, scale)?;
    let dtype = g.spec(boxes).dtype;
    let mut grown = ops::zeros_like(g, boxes, dtype)?;
    for (index, middle, half) in [(0, x, half_width), (1, y, half_height)] {
        let low = ops::sub(g, middle, half)?;
        grown = ops::write(g, grown, 1, index, low)?;
        let high = ops::add(g, middle, half)?;
        grown = ops::write(g, grown, 1, index + 2, high)?;
    }
    Ok(grown)
}

fn centre(g: &mut GraphBuilder, boxes: Value, high: i64, low: i64) -> Result<Value, BuildError> {
    let (high, low) = (column(g, boxes, high)?, column(g, boxes, low)?);
    let sum = ops::add(g, high, low)?;
    ops::mul_scalar(g, sum, 0.5)
}
