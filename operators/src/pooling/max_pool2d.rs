//! `max_pool2d`: the largest element of each window.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, float, one, rank, window};

/// The largest element of each window of an image `x[n, channels, h, w]`. Pairs are height, width;
/// sizes are rounded down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPool2d {
    /// Size of the window.
    pub kernel_size: [usize; 2],
    /// Step of the window.
    pub stride: [usize; 2],
    /// Padding that is never chosen, on both sides, at most half the window.
    pub padding: [usize; 2],

    /// Distance of the window's elements.
    pub dilation: [usize; 2],
}

impl Op for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Pooling
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear().reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        float(x)?;
        one(
            x.dtype,
            pooled(
                x,
                self.kernel_size,
                self.stride,
                self.padding,
                self.dilation,
            )?,
        )
    }

    /// One operation per element of each window.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        windows(self.kernel_size, inputs, outputs)
    }
}

impl OpDef for MaxPool2d {
    const NAMES: &'static [&'static str] = &["max_pool2d"];

    fn cases() -> Vec<OpCase> {
        let pool = |kernel_size, stride, padding, dilation| MaxPool2d {
            kernel_size,
            stride,
            padding,
            dilation,
        };
        vec![
            OpCase::new(
                "padded",
                pool([3, 3], [2, 2], [1, 1], [1, 1]),
                [&[2, 3, 7, 6]],
            ),
            OpCase::new(
                "plain",
                pool([2, 2], [2, 2], [0, 0], [1, 1]),
                [&[1, 2, 5, 4]],
            ),
            OpCase::new(
                "oblong",
                pool([3, 2], [1, 2], [1, 0], [1, 1]),
                [&[1, 2, 5, 6]],
            ),
        ]
    }
}

register_op!(MaxPool2d);

/// The shape of a pooled image.
///
/// # Errors
/// When the window does not fit or the padding is larger than half of it.
pub(crate) fn pooled(
    x: &TensorSpec,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
) -> Result<Shape, ShapeError> {
    rank(x, "input", 4)?;
    let mut shape = x.shape.clone();
    for i in 0..2 {
        ensure(padding[i] <= kernel[i] / 2, || {
            format!("padding {padding:?} is more than half of the window {kernel:?}")
        })?;
        let size = x.size(i as i64 + 2)?;
        let positions = window(size, kernel[i], stride[i], padding[i], dilation[i])?;
        shape.dims_mut()[i + 2] = Dim::Known(positions);
    }
    Ok(shape)
}

/// One operation for each element of each window.
pub(crate) fn windows(kernel: [usize; 2], inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
    let elements = outputs.first().map_or(0, TensorSpec::elements);
    let per_element = (kernel[0] as u64).saturating_mul(kernel[1] as u64);
    Cost::streaming(elements.saturating_mul(per_element), inputs, outputs)
}

/// Adds a [`MaxPool2d`] without dilation.
///
/// # Errors
/// When the window does not fit.
pub fn max_pool2d(
    g: &mut GraphBuilder,
    x: Value,
    kernel_size: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> Result<Value, BuildError> {
    let op = MaxPool2d {
        kernel_size,
        stride,
        padding,
        dilation: [1, 1],
    };
    g.one(op, &[x])
}
