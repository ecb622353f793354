//! Photographs to a batch: normalised, resized, padded.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::tensor::{HostData, HostTensor};
use nongemm_operators as ops;

use super::sizes::Sizes;

/// Mean and deviation of ImageNet's photographs.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// Sides of a batch are multiples of this.
const DIVISOR: usize = 32;

/// Images that run together.
pub(super) struct Images {
    /// `[batch, 3, height, width]`, padded with zeros below and on the right.
    pub(super) pixels: Value,
    /// Number of images.
    pub(super) batch: usize,
    /// Height and width without padding.
    pub(super) size: [usize; 2],
    /// Height and width with padding.
    pub(super) padded: [usize; 2],
}

pub(super) fn build(
    g: &mut GraphBuilder,
    sizes: &Sizes,
    photographs: &[Value],
) -> Result<Images, BuildError> {
    let mut images = Vec::new();
    let mut size = [0; 2];
    for &photograph in photographs {
        let original = [side(g, photograph, 1)?, side(g, photograph, 2)?];
        size = sizes.resized(original)?;
        let normal = normalize(g, photograph)?;
        let one = ops::unsqueeze(g, normal, 0)?;
        let resized = ops::upsample_bilinear2d(g, one, size)?;
        images.push(ops::select(g, resized, 0, 0)?);
    }
    let padded = size.map(|side| side.div_ceil(DIVISOR) * DIVISOR);
    let (batch, dtype) = (images.len(), g.dtype());
    let Some(&first) = images.first() else {
        return Err(BuildError::config("there is no image"));
    };
    let shape = [batch, 3, padded[0], padded[1]];
    let mut pixels = ops::new_full(g, first, &shape, 0.0, dtype)?;
    for (i, image) in images.into_iter().enumerate() {
        pixels = ops::write(g, pixels, 0, i, image)?;
    }
    Ok(Images {
        pixels,
        batch,
        size,
        padded,
    })
}

fn side(g: &GraphBuilder, x: Value, axis: i64) -> Result<usize, BuildError> {
    let size = g.spec(x).size(axis);
    size.map_err(|e| BuildError::config(e.to_string()))
}

/// `(x - mean) / std`, channel by channel.
fn normalize(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    let mean = channels(g, "image_mean", MEAN)?;
    let std = channels(g, "image_std", STD)?;
    let mean = planes(g, mean)?;
    let x = ops::sub(g, x, mean)?;
    let std = planes(g, std)?;
    ops::div(g, x, std)
}

/// `torch.as_tensor` of three numbers.
fn channels(g: &mut GraphBuilder, name: &str, values: [f32; 3]) -> Result<Value, BuildError> {
    let dtype = g.dtype();
    let tensor = HostTensor::new([3], HostData::F32(values.to_vec()).to_float(dtype));
    let tensor = tensor.map_err(|e| BuildError::config(e.to_string()))?;
    let values = g.constant(name, tensor);
    let values = ops::empty_from(g, values)?;
    let values = ops::to(g, values, dtype)?;
    ops::lift_fresh(g, values)
}

fn planes(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    let x = ops::unsqueeze(g, x, 1)?;
    ops::unsqueeze(g, x, 2)
}

/// `torch.tensor` of one number.
pub(super) fn number(g: &mut GraphBuilder, value: f64, dtype: DType) -> Result<Value, BuildError> {
    let x = ops::empty(g, &[], value, dtype)?;
    let x = ops::to(g, x, dtype)?;
    let x = ops::lift_fresh(g, x)?;
    ops::detach_(g, x)
}
