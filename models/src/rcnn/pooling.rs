//! RoIAlign over the levels of a pyramid: each box is read at the level that fits its size.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_operators as ops;
use nongemm_operators::{CompareKind, RoiAlign};

use super::boxes::difference;
use super::transform::number;

/// A box of this side is read at [`CANONICAL_LEVEL`] (Lin et al. 2017, equation 1).
const CANONICAL_SIDE: f64 = 224.0;
const CANONICAL_LEVEL: f64 = 4.0;
/// Added before levels are rounded down.
const EPS: f64 = 1e-6;
const SAMPLING_RATIO: i64 = 2;

/// The levels that boxes are read from.
pub(super) struct Pyramid<'a> {
    levels: &'a [Value],
    /// Height and width of the images, without padding.
    size: [usize; 2],
}

impl<'a> Pyramid<'a> {
    pub(super) fn new(levels: &'a [Value], size: [usize; 2]) -> Self {
        Pyramid { levels, size }
    }

    /// Pixels of each level for one of the image, a power of 2. The reference finds them once, at its
    /// first call, and keeps them: no node computes them.
    fn scales(&self, g: &GraphBuilder) -> Result<Vec<f64>, BuildError> {
        let scale = |&level: &Value| {
            let height = g.spec(level).size(2);
            let height = height.map_err(|e| BuildError::config(e.to_string()))?;
            let ratio = (height as f64 / self.size[0] as f64) as f32;
            Ok(f64::from(ratio.log2().round_ties_even()).exp2())
        };
        self.levels.iter().map(scale).collect()
    }

    /// `[n, channels, side, side]` for the boxes of all images.
    pub(super) fn pool(
        &self,
        g: &mut GraphBuilder,
        boxes: &[Value],
        channels: usize,
        side: usize,
    ) -> Result<Value, BuildError> {
        let dtype = g.dtype();
        let scales = self.scales(g)?;
        let rois = with_image(g, boxes)?;
        let last = scales.len().saturating_sub(1);
        let bounds = [-scales[0].log2(), -scales[last].log2()];
        let levels = level_of(g, boxes, bounds)?;
        let mut pooled = ops::zeros_for_rows(g, rois, &[channels, side, side], dtype)?;
        for (number, (&level, scale)) in self.levels.iter().zip(scales).enumerate() {
            let own = ops::compare_scalar(g, CompareKind::Eq, levels, number as f64)?;
            let own = ops::where_true(g, own)?;
            let own_rois = ops::index(g, rois, &[own])?;
            let align = RoiAlign {
                spatial_scale: scale,
                pooled_height: side,
                pooled_width: side,
                sampling_ratio: SAMPLING_RATIO,
                aligned: false,
            };
            let aligned = ops::roi_align(g, level, own_rois, align)?;
            let aligned = ops::to(g, aligned, dtype)?;
            pooled = ops::index_put_(g, pooled, own, aligned)?;
        }
        Ok(pooled)
    }
}

/// All boxes, the number of their image in front.
fn with_image(g: &mut GraphBuilder, boxes: &[Value]) -> Result<Value, BuildError> {
    let all = ops::cat(g, boxes, 0)?;
    let mut numbers = Vec::new();
    for (image, &boxes) in boxes.iter().enumerate() {
        let first = ops::slice(g, boxes, 1, 0, Some(1))?;
        numbers.push(ops::full_like(g, first, image as f64)?);
    }
    let numbers = ops::cat(g, &numbers, 0)?;
    ops::cat(g, &[numbers, all], 1)
}

/// The level of each box, counted from the finest.
fn level_of(
    g: &mut GraphBuilder,
    boxes: &[Value],
    [finest, coarsest]: [f64; 2],
) -> Result<Value, BuildError> {
    let mut areas = Vec::new();
    for &boxes in boxes {
        let width = difference(g, boxes, 2, 0)?;
        let height = difference(g, boxes, 3, 1)?;
        areas.push(ops::mul(g, width, height)?);
    }
    let areas = ops::cat(g, &areas, 0)?;
    let side = ops::sqrt(g, areas)?;
    let side = ops::div_scalar(g, side, CANONICAL_SIDE)?;
    let level = ops::log2(g, side)?;
    let level = ops::add_scalar(g, level, CANONICAL_LEVEL)?;
    let dtype = g.spec(level).dtype;
    let eps = number(g, EPS, dtype)?;
    let level = ops::add(g, level, eps)?;
    let level = ops::floor(g, level)?;
    let level = ops::clamp(g, level, Some(finest), Some(coarsest))?;
    let level = ops::to(g, level, DType::I64)?;
    let level = ops::sub_scalar(g, level, finest)?;
    ops::to(g, level, DType::I64)
}
