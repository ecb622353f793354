//! Anchors: boxes of fixed shapes at every pixel of every level.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::tensor::{HostData, HostTensor};
use nongemm_operators as ops;
use nongemm_operators::Arange;

use super::transform::Images;

/// Side of the square that anchors of a level are as large as.
const SIDES: [f32; 5] = [32.0, 64.0, 128.0, 256.0, 512.0];
/// Height of an anchor for each unit of its width.
const RATIOS: [f32; 3] = [0.5, 1.0, 2.0];

/// Anchors of a pixel.
pub(super) const PER_PIXEL: usize = RATIOS.len();

/// The anchors of each image, `[all levels, 4]`, the same for all of them.
pub(super) fn build(
    g: &mut GraphBuilder,
    grids: &[[usize; 2]],
    images: &Images,
) -> Result<Vec<Value>, BuildError> {
    let mut strides = Vec::new();
    for grid in grids {
        let mut stride = [0, 1].into_iter().map(|axis| {
            let x = ops::empty(g, &[], 0.0, DType::I64)?;
            ops::fill_(g, x, (images.padded[axis] / grid[axis]) as f64)
        });
        let (Some(down), Some(across)) = (stride.next(), stride.next()) else {
            return Err(BuildError::config("a stride has two directions"));
        };
        strides.push([down?, across?]);
    }
    let dtype = g.dtype();
    let mut cells = Vec::new();
    for (level, side) in SIDES.into_iter().enumerate() {
        let cell = g.constant(&format!("cell_anchors.{level}"), shapes(side, dtype)?);
        cells.push(ops::to(g, cell, dtype)?);
    }
    let mut levels = Vec::new();
    for ((grid, stride), cell) in grids.iter().zip(strides).zip(cells) {
        levels.push(placed(g, *grid, stride, cell)?);
    }
    (0..images.batch).map(|_| ops::cat(g, &levels, 0)).collect()
}

/// The anchors of a pixel around the origin, rounded to whole pixels.
fn shapes(side: f32, dtype: DType) -> Result<HostTensor, BuildError> {
    let corners = RATIOS.into_iter().flat_map(|ratio| {
        let down = ratio.sqrt();
        let (width, height) = (1.0 / down * side, down * side);
        [-width, -height, width, height].map(|corner| (corner / 2.0).round_ties_even())
    });
    let data = HostData::F32(corners.collect()).to_float(dtype);
    let tensor = HostTensor::new([PER_PIXEL, 4], data);
    tensor.map_err(|e| BuildError::config(e.to_string()))
}

/// The anchors of one level: those of a pixel, at every pixel.
fn placed(
    g: &mut GraphBuilder,
    [height, width]: [usize; 2],
    [down, across]: [Value; 2],
    cell: Value,
) -> Result<Value, BuildError> {
    let across = positions(g, width, across)?;
    let down = positions(g, height, down)?;
    let [y, x] = ops::meshgrid(g, down, across)?;
    let x = ops::reshape(g, x, &[-1])?;
    let y = ops::reshape(g, y, &[-1])?;
    let shifts = ops::stack(g, &[x, y, x, y], 1)?;
    let shifts = ops::view(g, shifts, &[-1, 1, 4])?;
    let cell = ops::view(g, cell, &[1, -1, 4])?;
    let anchors = ops::add(g, shifts, cell)?;
    ops::reshape(g, anchors, &[-1, 4])
}

fn positions(g: &mut GraphBuilder, count: usize, stride: Value) -> Result<Value, BuildError> {
    let numbers = Arange {
        start: 0,
        end: count as i64,
        rows: false,
        step: 1,
        dtype: DType::I32,
    };
    let numbers = g.one(numbers, &[])?;
    ops::mul(g, numbers, stride)
}
