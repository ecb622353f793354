//! Layers: parameters declared as PyTorch's modules declare them, and the operator that uses them.
//!
//! `name` is the module's path below the current scope; parameters get the names of checkpoints.
//! Synthetic weights keep activations finite through deep models.

use nongemm_core::graph::{BuildError, GraphBuilder, Init, Value};

use crate as ops;
use crate::{Conv2d, ConvTranspose2d};

/// Weights around zero that keep the variance of activations, for sums over `fan_in` elements.
fn weight(fan_in: usize) -> Init {
    Start::PLAIN.weight(fan_in)
}

/// How synthetic weights start a layer whose outputs decide how much work follows (the scores and
/// the boxes of detectors): with those of other layers, all boxes would be as large as the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// Standard deviation of the result where that of the input is 1.
    pub gain: f32,
    /// The biases.
    pub bias: Init,
}

impl Start {
    /// As all other layers start.
    pub const PLAIN: Start = Start {
        gain: 1.0,
        bias: BIAS,
    };

    /// Results of this deviation, around zero.
    pub const fn gain(gain: f32) -> Start {
        Start {
            gain,
            bias: Init::around(0.0, 0.0),
        }
    }

    fn weight(self, fan_in: usize) -> Init {
        Init::std(self.gain * (fan_in.max(1) as f32).recip().sqrt())
    }
}

const BIAS: Init = Init::around(0.0, 0.1);
const SCALE: Init = Init::around(1.0, 0.1);

/// `torch.nn.Linear`: parameters `weight[out, in]` and, with `bias`, `bias[out]`.
///
/// # Errors
/// When names are taken or shapes do not fit.
pub fn linear(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    in_features: usize,
    out_features: usize,
    bias: bool,
) -> Result<Value, BuildError> {
    g.scope(name, |g| {
        let w = g.param("weight", [out_features, in_features], weight(in_features))?;
        let b = bias
            .then(|| g.param("bias", [out_features], BIAS))
            .transpose()?;
        ops::linear(g, x, w, b)
    })
}

/// [`linear`] with bias, whose synthetic weights start as `start` says. `features` are those of the
/// input and the output.
///
/// # Errors
/// When names are taken or shapes do not fit.
pub fn linear_from(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    features: [usize; 2],
    start: Start,
) -> Result<Value, BuildError> {
    let [input, out] = features;
    g.scope(name, |g| {
        let w = g.param("weight", [out, input], start.weight(input))?;
        let b = g.param("bias", [out], start.bias)?;
        ops::linear(g, x, w, Some(b))
    })
}

/// Hugging Face's `Conv1D` (GPT-2): parameters `weight[in, out]` and `bias[out]`; `view`, `addmm`,
/// `view`.
///
/// # Errors
/// When names are taken or shapes do not fit.
pub fn conv1d_hf(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    in_features: usize,
    out_features: usize,
) -> Result<Value, BuildError> {
    g.scope(name, |g| {
        let w = g.param("weight", [in_features, out_features], weight(in_features))?;
        let b = g.param("bias", [out_features], BIAS)?;
        let mut size = sizes(g, x)?;
        if let Some(last) = size.last_mut() {
            *last = signed(out_features)?;
        }
        let rows = ops::view(g, x, &[-1, signed(in_features)?])?;
        let y = ops::addmm(g, b, rows, w)?;
        ops::view(g, y, &size)
    })
}

/// `torch.nn.LayerNorm` over the last dimensions: parameters `weight` and `bias` of that shape.
///
/// # Errors
/// When names are taken or shapes do not fit.
pub fn layer_norm(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    normalized_shape: &[usize],
    eps: f64,
) -> Result<Value, BuildError> {
    g.scope(name, |g| {
        let w = g.param("weight", normalized_shape, SCALE)?;
        let b = g.param("bias", normalized_shape, BIAS)?;
        ops::layer_norm(g, x, normalized_shape, w, b, eps)
    })
}

/// Hugging Face's `LlamaRMSNorm` and its kin: parameter `weight[features]`.
///
/// # Errors
/// When names are taken or shapes do not fit.
pub fn rms_norm(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    features: usize,
    eps: f64,
) -> Result<Value, BuildError> {
    g.scope(name, |g| {
        let w = g.param("weight", [features], SCALE)?;
        ops::rms_norm(g, x, w, eps)
    })
}

/// `torch.nn.Embedding`: parameter `weight[rows, width]`. Returns the result and the parameter,
/// which other layers may share.
///
/// # Errors
/// When names are taken or the indices are no integers.
pub fn embedding(
    g: &mut GraphBuilder,
    name: &str,
    indices: Value,
    rows: usize,
    width: usize,
) -> Result<(Value, Value), BuildError> {
    g.scope(name, |g| {
        let w = g.param("weight", [rows, width], weight(width))?;
        Ok((ops::embedding(g, w, indices)?, w))
    })
}

/// `torch.nn.Conv2d`: parameters `weight[out, in / groups, kh, kw]` and, with `bias`, `bias[out]`.
/// `channels` are those of the input and the output.
///
/// # Errors
/// When names are taken or shapes do not fit.
pub fn conv2d(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    channels: [usize; 2],
    kernel_size: [usize; 2],
    conv: Conv2d,
    bias: bool,
) -> Result<Value, BuildError> {
    let [input, out] = channels;
    let [kh, kw] = kernel_size;
    let depth = input.checked_div(conv.groups);
    let depth = depth.ok_or_else(|| BuildError::config(format!("{name}: groups must not be 0")))?;
    let fan_in = depth.saturating_mul(kh).saturating_mul(kw);
    g.scope(name, |g| {
        let w = g.param("weight", [out, depth, kh, kw], weight(fan_in))?;
        let b = bias.then(|| g.param("bias", [out], BIAS)).transpose()?;
        ops::conv2d(g, x, w, b, conv)
    })
}

/// `torch.nn.BatchNorm2d` in inference: parameters `weight` and `bias`, buffers `running_mean` and
/// `running_var`, one element for each channel.
///
/// # Errors
/// When names are taken or shapes do not fit.
pub fn batch_norm(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    channels: usize,
    eps: f64,
) -> Result<Value, BuildError> {
    g.scope(name, |g| {
        let w = g.param("weight", [channels], SCALE)?;
        let b = g.param("bias", [channels], BIAS)?;
        let mean = g.buffer("running_mean", [channels], BIAS)?;
        let var = g.buffer("running_var", [channels], Init::around(1.0, 0.5))?;
        ops::batch_norm(g, x, [w, b, mean, var], eps)
    })
}

/// `torch.nn.ConvTranspose2d` with bias: parameters `weight[in, out, kh, kw]` and `bias[out]`. `channels`
/// are those of the input and the output.
///
/// # Errors
/// When names are taken or shapes do not fit.
pub fn conv_transpose2d(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    channels: [usize; 2],
    kernel_size: [usize; 2],
    conv: ConvTranspose2d,
) -> Result<Value, BuildError> {
    let [input, out] = channels;
    let [kh, kw] = kernel_size;
    // Where kernels do not overlap, each result is a sum over the channels alone.
    let w = weight(input);
    g.scope(name, |g| {
        let w = g.param("weight", [input, out, kh, kw], w)?;
        let b = g.param("bias", [out], BIAS)?;
        ops::conv_transpose2d(g, x, w, Some(b), conv)
    })
}

/// torchvision's `FrozenBatchNorm2d`: buffers `weight`, `bias`, `running_mean` and `running_var`, one
/// element for each channel; none of them counts as a parameter.
///
/// # Errors
/// When names are taken or shapes do not fit.
pub fn frozen_batch_norm(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    channels: usize,
    eps: f64,
) -> Result<Value, BuildError> {
    g.scope(name, |g| {
        let w = g.buffer("weight", [channels], SCALE)?;
        let b = g.buffer("bias", [channels], BIAS)?;
        let mean = g.buffer("running_mean", [channels], BIAS)?;
        let var = g.buffer("running_var", [channels], Init::around(1.0, 0.5))?;
        ops::frozen_batch_norm(g, x, [w, b, mean, var], eps)
    })
}

fn signed(size: usize) -> Result<i64, BuildError> {
    i64::try_from(size).map_err(|_| BuildError::config(format!("size {size} is too large")))
}

/// All sizes of a tensor, as `view` takes them.
fn sizes(g: &GraphBuilder, x: Value) -> Result<Vec<i64>, BuildError> {
    let spec = g.spec(x);
    let known = spec.shape.known();
    let known = known.ok_or_else(|| BuildError::config(format!("{spec} has unknown sizes")))?;
    known.into_iter().map(signed).collect()
}
