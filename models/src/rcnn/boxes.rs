//! Arithmetic of boxes: decoded from offsets, cut at the image, small ones left out, rescaled.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_operators as ops;
use nongemm_operators::{CompareKind, Slice};

use super::transform::number;
use crate::settings::signed;

/// Offsets are cut here before they are raised to powers: `ln(1000 / 16)`.
const LARGEST_LOG: f64 = 4.135_166_556_742_356;

/// Reshapes to rows of `row`; the number of rows is written out where it is known, as the reference does,
/// which then leaves the first size of a row open.
pub(super) fn reshape_rows(
    g: &mut GraphBuilder,
    x: Value,
    row: &[usize],
) -> Result<Value, BuildError> {
    let rows = g.spec(x).shape.dims().first().and_then(|dim| dim.known());
    let mut shape: Vec<i64> = row.iter().map(|&size| signed(size)).collect();
    match rows {
        Some(rows) => {
            shape[0] = -1;
            shape.insert(0, signed(rows));
        }
        None => shape.insert(0, -1),
    }
    ops::reshape(g, x, &shape)
}

/// Applies offsets `codes[n, 4 classes]` to the boxes of all images: `[n, classes, 4]`. Offsets move the
/// centre by parts of the sides and stretch the sides by powers of e (Girshick et al. 2014, appendix C),
/// all divided by `weights` for x, y, width and height.
pub(super) fn decode(
    g: &mut GraphBuilder,
    codes: Value,
    boxes: &[Value],
    classes: usize,
    weights: [f64; 4],
) -> Result<Value, BuildError> {
    let dtype = g.spec(codes).dtype;
    let boxes = ops::cat(g, boxes, 0)?;
    let codes = reshape_rows(g, codes, &[4 * classes])?;
    let boxes = ops::to(g, boxes, dtype)?;
    let width = difference(g, boxes, 2, 0)?;
    let height = difference(g, boxes, 3, 1)?;
    let x = middle(g, boxes, 0, width)?;
    let y = middle(g, boxes, 1, height)?;
    let mut parts = Vec::new();
    for (i, weight) in weights.into_iter().enumerate() {
        let part = every_fourth(g, codes, i)?;
        parts.push(ops::div_scalar(g, part, weight)?);
    }
    let stretch_x = ops::clamp(g, parts[2], None, Some(LARGEST_LOG))?;
    let stretch_y = ops::clamp(g, parts[3], None, Some(LARGEST_LOG))?;
    let x = moved(g, parts[0], width, x)?;
    let y = moved(g, parts[1], height, y)?;
    let width = stretched(g, stretch_x, width)?;
    let height = stretched(g, stretch_y, height)?;
    let half = number(g, 0.5, dtype)?;
    let half_height = ops::mul(g, half, height)?;
    let half = number(g, 0.5, dtype)?;
    let half_width = ops::mul(g, half, width)?;
    let x1 = ops::sub(g, x, half_width)?;
    let y1 = ops::sub(g, y, half_height)?;
    let x2 = ops::add(g, x, half_width)?;
    let y2 = ops::add(g, y, half_height)?;
    let decoded = ops::stack(g, &[x1, y1, x2, y2], 2)?;
    let decoded = ops::flatten(g, decoded, 1, -1)?;
    reshape_rows(g, decoded, &[classes, 4])
}

/// `boxes[:, high] - boxes[:, low]`.
pub(super) fn difference(
    g: &mut GraphBuilder,
    boxes: Value,
    high: i64,
    low: i64,
) -> Result<Value, BuildError> {
    let (high, low) = (column(g, boxes, high)?, column(g, boxes, low)?);
    ops::sub(g, high, low)
}

pub(super) fn column(g: &mut GraphBuilder, boxes: Value, index: i64) -> Result<Value, BuildError> {
    ops::select(g, boxes, 1, index)
}

fn middle(g: &mut GraphBuilder, boxes: Value, low: i64, side: Value) -> Result<Value, BuildError> {
    let low = column(g, boxes, low)?;
    let half = ops::mul_scalar(g, side, 0.5)?;
    ops::add(g, low, half)
}

/// Columns `start`, `start + 4`, ... of the last dimension.
fn every_fourth(g: &mut GraphBuilder, x: Value, start: usize) -> Result<Value, BuildError> {
    stepped(g, x, start, 4)
}

/// Every `step`-th element of the last dimension.
fn stepped(g: &mut GraphBuilder, x: Value, start: usize, step: usize) -> Result<Value, BuildError> {
    let last = g.spec(x).shape.rank().saturating_sub(1);
    let slice = Slice {
        dim: last as i64,
        start: signed(start),
        end: None,
        step,
    };
    g.one(slice, &[x])
}

fn moved(
    g: &mut GraphBuilder,
    offset: Value,
    side: Value,
    centre: Value,
) -> Result<Value, BuildError> {
    let side = ops::unsqueeze(g, side, 1)?;
    let distance = ops::mul(g, offset, side)?;
    let centre = ops::unsqueeze(g, centre, 1)?;
    ops::add(g, distance, centre)
}

fn stretched(g: &mut GraphBuilder, log: Value, side: Value) -> Result<Value, BuildError> {
    let factor = ops::exp(g, log)?;
    let side = ops::unsqueeze(g, side, 1)?;
    ops::mul(g, factor, side)
}

/// Cuts `boxes[.., 4]` at the borders of an image.
pub(super) fn clip(
    g: &mut GraphBuilder,
    boxes: Value,
    [height, width]: [usize; 2],
) -> Result<Value, BuildError> {
    let dims = g.spec(boxes).shape.dims().to_vec();
    let x = stepped(g, boxes, 0, 2)?;
    let y = stepped(g, boxes, 1, 2)?;
    let x = ops::clamp(g, x, Some(0.0), Some(width as f64))?;
    let y = ops::clamp(g, y, Some(0.0), Some(height as f64))?;
    let clipped = ops::stack(g, &[x, y], dims.len() as i64)?;
    let row = dims[1..].iter().filter_map(|dim| dim.known());
    let mut shape: Vec<i64> = row.map(signed).collect();
    shape.insert(0, dims[0].known().map_or(-1, signed));
    ops::reshape(g, clipped, &shape)
}

/// The positions of the boxes both of whose sides are at least `smallest`.
pub(super) fn large(
    g: &mut GraphBuilder,
    boxes: Value,
    smallest: f64,
) -> Result<Value, BuildError> {
    let width = difference(g, boxes, 2, 0)?;
    let height = difference(g, boxes, 3, 1)?;
    let wide = ops::compare_scalar(g, CompareKind::Ge, width, smallest)?;
    let high = ops::compare_scalar(g, CompareKind::Ge, height, smallest)?;
    let both = ops::and(g, wide, high)?;
    ops::where_true(g, both)
}

/// The rows at some positions, of several tensors.
pub(super) fn pick<const N: usize>(
    g: &mut GraphBuilder,
    tensors: [Value; N],
    positions: Value,
) -> Result<[Value; N], BuildError> {
    let mut picked = tensors;
    for tensor in &mut picked {
        *tensor = ops::index(g, *tensor, &[positions])?;
    }
    Ok(picked)
}

/// Boxes of an image of one size, in an image of another.
pub(super) fn rescale(
    g: &mut GraphBuilder,
    boxes: Value,
    from: [usize; 2],
    to: [usize; 2],
) -> Result<Value, BuildError> {
    let dtype = nongemm_core::dtype::DType::F32;
    let mut ratios = Vec::new();
    for axis in 0..2 {
        let to = number(g, to[axis] as f64, dtype)?;
        let from = number(g, from[axis] as f64, dtype)?;
        ratios.push(ops::div(g, to, from)?);
    }
    let corners = ops::unbind(g, boxes, 1)?;
    // The reference scales x1, x2, y1, y2 in this order.
    let mut scaled = corners.clone();
    for (corner, ratio) in [(0, 1), (2, 1), (1, 0), (3, 0)] {
        scaled[corner] = ops::mul(g, corners[corner], ratios[ratio])?;
    }
    ops::stack(g, &scaled, 1)
}
