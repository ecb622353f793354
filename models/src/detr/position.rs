//! Sines and cosines of where a pixel of the feature map is in its photograph.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_operators as ops;
use nongemm_operators::{BinaryKind, Slice};

/// The longest wave is this many times the shortest.
const TEMPERATURE: f64 = 10_000.0;
/// Added to the size of a photograph before it is divided by.
const EPS: f64 = 1e-6;

/// `[batch, 2 width, h, w]` from the mask `[batch, h, w]` of a feature map: rows first, then columns.
pub(super) fn build(g: &mut GraphBuilder, mask: Value, width: usize) -> Result<Value, BuildError> {
    let dtype = g.dtype();
    let mask = ops::to(g, mask, dtype)?;
    let rows = ops::cumsum(g, mask, 1)?;
    let columns = ops::cumsum(g, mask, 2)?;
    let rows = normalized(g, rows, 1)?;
    let columns = normalized(g, columns, 2)?;
    let numbers = ops::arange(g, width)?;
    let numbers = ops::to(g, numbers, dtype)?;
    let pairs = ops::binary_scalar(g, BinaryKind::FloorDiv, numbers, 2.0)?;
    let pairs = ops::mul_scalar(g, pairs, 2.0)?;
    let pairs = ops::div_scalar(g, pairs, width as f64)?;
    let lengths = ops::pow_base(g, TEMPERATURE, pairs)?;
    let mut angles = Vec::new();
    for position in [columns, rows] {
        let position = ops::unsqueeze(g, position, 3)?;
        angles.push(ops::div(g, position, lengths)?);
    }
    let columns = waves(g, angles[0])?;
    let rows = waves(g, angles[1])?;
    let both = ops::cat(g, &[rows, columns], 3)?;
    ops::permute(g, both, &[0, 3, 1, 2])
}

/// Counts along `dim` as parts of a full turn.
fn normalized(g: &mut GraphBuilder, counts: Value, dim: i64) -> Result<Value, BuildError> {
    let last = ops::slice(g, counts, dim, -1, None)?;
    let last = ops::add_scalar(g, last, EPS)?;
    let parts = ops::div(g, counts, last)?;
    ops::mul_scalar(g, parts, std::f64::consts::TAU)
}

/// Sines of the even angles and cosines of the odd ones, in turns.
fn waves(g: &mut GraphBuilder, angles: Value) -> Result<Value, BuildError> {
    let every_second = |g: &mut GraphBuilder, start| {
        let slice = Slice {
            dim: 3,
            start,
            end: None,
            step: 2,
        };
        g.one(slice, &[angles])
    };
    let even = every_second(g, 0)?;
    let sines = ops::sin(g, even)?;
    let odd = every_second(g, 1)?;
    let cosines = ops::cos(g, odd)?;
    let both = ops::stack(g, &[sines, cosines], 4)?;
    ops::flatten(g, both, 3, -1)
}
