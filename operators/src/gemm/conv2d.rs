//! `conv2d`: convolution over images.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{arity, ensure, multiply_adds, one, rank, same_float, vector, window};

/// `conv2d(x, weight, bias?)` with `x[n, in, h, w]`, `weight[out, in / groups, kh, kw]`,
/// `bias[out]`. Pairs are height, width.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2d {
    /// Step of the window.
    pub stride: [usize; 2],
    /// Zeros on both sides.
    pub padding: [usize; 2],
    /// Distance of the window's elements.
    pub dilation: [usize; 2],
    /// Number of groups of channels that are convolved apart.
    pub groups: usize,
}

impl Default for Conv2d {
    /// Stride and dilation 1, no padding, one group.
    fn default() -> Self {
        Conv2d {
            stride: [1, 1],
            padding: [0, 0],
            dilation: [1, 1],
            groups: 1,
        }
    }
}

impl Op for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Gemm
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let (x, weight, bias) = match inputs {
            [x, weight] => (x, weight, None),
            [x, weight, bias] => (x, weight, Some(bias)),
            _ => return Err(arity("2 or 3", inputs)),
        };
        same_float(inputs)?;
        rank(x, "input", 4)?;
        rank(weight, "weight", 4)?;
        let (channels, out, depth) = (x.size(1)?, weight.size(0)?, weight.size(1)?);
        ensure(self.groups > 0 && out % self.groups == 0, || {
            format!("{out} output channels do not make {} groups", self.groups)
        })?;
        ensure(depth.checked_mul(self.groups) == Some(channels), || {
            format!(
                "input has {channels} channels, weight takes {depth} in {} groups",
                self.groups
            )
        })?;
        if let Some(bias) = bias {
            vector(bias, "bias", &Dim::Known(out))?;
        }
        let mut shape = vec![x.shape.dims()[0].clone(), Dim::Known(out)];
        for i in 0..2 {
            let axis = i as i64 + 2;
            shape.push(Dim::Known(window(
                x.size(axis)?,
                weight.size(axis)?,
                self.stride[i],
                self.padding[i],
                self.dilation[i],
            )?));
        }
        one(x.dtype, Shape::new(shape))
    }

    /// `2 kh kw in / groups` for each element of the output; the bias starts the sums.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let depth = inputs.get(1).map_or(0, |weight| {
            let out = weight.size(0).unwrap_or(1).max(1);
            weight.elements() / out as u64
        });
        multiply_adds(depth, inputs, outputs)
    }
}

impl OpDef for Conv2d {
    const NAMES: &'static [&'static str] = &["conv2d"];

    fn cases() -> Vec<OpCase> {
        let plain = Conv2d::default();
        let strided = Conv2d {
            stride: [2, 1],
            padding: [1, 2],
            ..Conv2d::default()
        };
        let dilated = Conv2d {
            dilation: [2, 2],
            ..Conv2d::default()
        };
        let depthwise = Conv2d {
            padding: [1, 1],
            groups: 4,
            ..Conv2d::default()
        };
        vec![
            OpCase::new("plain", plain.clone(), [&[2, 3, 6, 7], &[4, 3, 3, 3]]),
            OpCase::new("pointwise", plain, [&[1, 3, 4, 4], &[5, 3, 1, 1], &[5]]),
            OpCase::new("strided", strided, [&[2, 3, 6, 7], &[4, 3, 3, 5], &[4]]),
            OpCase::new("dilated", dilated, [&[1, 2, 7, 7], &[3, 2, 3, 3]]),
            OpCase::new("depthwise", depthwise, [&[1, 4, 5, 5], &[4, 1, 3, 3], &[4]]),
        ]
    }
}

register_op!(Conv2d);

/// Adds a [`Conv2d`].
///
/// # Errors
/// When the shapes do not fit.
pub fn conv2d(
    g: &mut GraphBuilder,
    x: Value,
    weight: Value,
    bias: Option<Value>,
    conv: Conv2d,
) -> Result<Value, BuildError> {
    let inputs: Vec<Value> = [x, weight].into_iter().chain(bias).collect();
    g.one(conv, &inputs)
}
