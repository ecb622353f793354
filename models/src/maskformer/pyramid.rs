//! The pixel decoder: a feature pyramid with group normalization.

use nongemm_core::graph::{BuildError, GraphBuilder, Init, Value};
use nongemm_operators as ops;
use nongemm_operators::{Binary, BinaryKind, Conv2d, layers};

use super::EPS;
use crate::layout::sizes;

/// Groups of every normalization.
pub(super) const GROUPS: usize = 32;

/// Embeddings of pixels from the backbone's maps, of which the first is the largest.
pub(super) fn build(
    g: &mut GraphBuilder,
    maps: &[Value],
    width: usize,
) -> Result<Value, BuildError> {
    let x = g.scope("fpn", |g| fpn(g, maps, width))?;
    conv(g, "mask_projection", x, width, 3, true)
}

/// From the smallest map to the largest: resized, added to the next, and convolved.
fn fpn(g: &mut GraphBuilder, maps: &[Value], width: usize) -> Result<Value, BuildError> {
    let Some((&last, others)) = maps.split_last() else {
        return Err(BuildError::config("a pyramid needs feature maps"));
    };
    let mut x = g.scope("stem", |g| block(g, last, width))?;
    for (index, &map) in others.iter().rev().enumerate() {
        x = g.scope(&format!("layers.{index}"), |g| {
            let left = conv(g, "proj.0", map, width, 1, false)?;
            let left = group_norm(g, "proj.1", left, width)?;
            let [_, _, height, columns] = sizes(g, left)?;
            let x = ops::upsample_nearest2d(g, x, [height, columns])?;
            let add = Binary {
                kind: BinaryKind::Add,
                scalar: None,
                inplace: true,
            };
            let x = g.one(add, &[x, left])?;
            g.scope("block", |g| block(g, x, width))
        })?;
    }
    Ok(x)
}

fn block(g: &mut GraphBuilder, x: Value, width: usize) -> Result<Value, BuildError> {
    let x = conv(g, "0", x, width, 3, false)?;
    let x = group_norm(g, "1", x, width)?;
    g.scope("2", |g| ops::relu_(g, x))
}

fn conv(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    width: usize,
    kernel: usize,
    bias: bool,
) -> Result<Value, BuildError> {
    let channels = [sizes::<4>(g, x)?[1], width];
    let conv = Conv2d {
        padding: [kernel / 2; 2],
        ..Conv2d::default()
    };
    layers::conv2d(g, name, x, channels, [kernel; 2], conv, bias)
}

fn group_norm(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    channels: usize,
) -> Result<Value, BuildError> {
    g.scope(name, |g| {
        let weight = g.param("weight", [channels], Init::around(1.0, 0.1))?;
        let bias = g.param("bias", [channels], Init::around(0.0, 0.1))?;
        ops::group_norm(g, x, GROUPS, weight, bias, EPS)
    })
}
