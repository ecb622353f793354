//! The residual network as the transformers library names its modules, its normalizations frozen.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_operators as ops;
use nongemm_operators::{Conv2d, layers};

const EPS: f64 = 1e-5;
/// Channels of the first convolution, and inner channels of the first stage.
const WIDTH: usize = 64;
/// Channels that a bottleneck's result has for each of its inner ones.
const EXPANSION: usize = 4;

/// The features of the last stage and their number of channels.
pub(super) fn build(
    g: &mut GraphBuilder,
    pixels: Value,
    stages: [usize; 4],
) -> Result<(Value, usize), BuildError> {
    let mut x = g.scope("embedder", |g| {
        let x = g.scope("embedder", |g| {
            let x = normal(g, pixels, [3, WIDTH], 7, 2)?;
            g.scope("activation", |g| ops::relu(g, x))
        })?;
        g.scope("pooler", |g| ops::max_pool2d(g, x, [3, 3], [2, 2], [1, 1]))
    })?;
    let mut channels = WIDTH;
    for (stage, count) in stages.into_iter().enumerate() {
        let inner = WIDTH << stage;
        for index in 0..count {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let name = format!("encoder.stages.{stage}.layers.{index}");
            x = g.scope(&name, |g| bottleneck(g, x, [channels, inner], stride))?;
            channels = inner * EXPANSION;
        }
    }
    Ok((x, channels))
}

fn bottleneck(
    g: &mut GraphBuilder,
    x: Value,
    [channels, inner]: [usize; 2],
    stride: usize,
) -> Result<Value, BuildError> {
    let outer = inner * EXPANSION;
    let mut activated = |name: &str, x, channels, kernel, stride| {
        g.scope(name, |g| {
            let y = normal(g, x, channels, kernel, stride)?;
            g.scope("activation", |g| ops::relu(g, y))
        })
    };
    let y = activated("layer.0", x, [channels, inner], 1, 1)?;
    let y = activated("layer.1", y, [inner, inner], 3, stride)?;
    let y = g.scope("layer.2", |g| normal(g, y, [inner, outer], 1, 1))?;
    let x = if stride != 1 || channels != outer {
        g.scope("shortcut", |g| normal(g, x, [channels, outer], 1, stride))?
    } else {
        x
    };
    let y = ops::add_(g, y, x)?;
    g.scope("activation", |g| ops::relu(g, y))
}

/// A convolution without bias that keeps the size, apart from the stride; normalised.
fn normal(
    g: &mut GraphBuilder,
    x: Value,
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
) -> Result<Value, BuildError> {
    let conv = Conv2d {
        stride: [stride; 2],
        padding: [kernel / 2; 2],
        ..Conv2d::default()
    };
    let x = layers::conv2d(g, "convolution", x, channels, [kernel; 2], conv, false)?;
    layers::frozen_batch_norm(g, "normalization", x, channels[1], EPS)
}
