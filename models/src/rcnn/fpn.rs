//! The feature pyramid: features of all stages at one width, each with what the deeper ones know.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_operators as ops;
use nongemm_operators::{Conv2d, layers};

/// The levels of the pyramid, finest first; the last is the coarsest one with every other pixel left out.
pub(super) fn build(
    g: &mut GraphBuilder,
    features: [(Value, usize); 4],
    channels: usize,
) -> Result<Vec<Value>, BuildError> {
    let mut levels = Vec::new();
    let mut above: Option<Value> = None;
    for (i, (x, width)) in features.into_iter().enumerate().rev() {
        let lateral = conv(g, &format!("inner_blocks.{i}.0"), x, [width, channels], 1)?;
        let merged = match above {
            Some(above) => merge(g, lateral, above)?,
            None => lateral,
        };
        let name = format!("layer_blocks.{i}.0");
        levels.push(conv(g, &name, merged, [channels, channels], 3)?);
        above = Some(merged);
    }
    let coarsest = levels[0];
    levels.reverse();
    levels.push(g.scope("extra_blocks", |g| {
        ops::max_pool2d(g, coarsest, [1, 1], [2, 2], [0, 0])
    })?);
    Ok(levels)
}

fn merge(g: &mut GraphBuilder, lateral: Value, above: Value) -> Result<Value, BuildError> {
    let side = |axis| {
        let size = g.spec(lateral).size(axis);
        size.map_err(|e| BuildError::config(e.to_string()))
    };
    let size = [side(2)?, side(3)?];
    let above = ops::upsample_nearest2d(g, above, size)?;
    ops::add(g, lateral, above)
}

/// A convolution with bias that keeps the size.
pub(super) fn conv(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    channels: [usize; 2],
    kernel: usize,
) -> Result<Value, BuildError> {
    let conv = Conv2d {
        padding: [kernel / 2; 2],
        ..Conv2d::default()
    };
    layers::conv2d(g, name, x, channels, [kernel; 2], conv, true)
}
