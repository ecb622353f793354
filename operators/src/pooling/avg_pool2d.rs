//! `avg_pool2d`: the mean of each window.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{float, one};
use crate::pooling::max_pool2d::{pooled, windows};

/// The mean of each window of an image `x[n, channels, h, w]`. Pairs are height, width; sizes are
/// rounded down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AvgPool2d {
    /// Size of the window.
    pub kernel_size: [usize; 2],
    /// Step of the window.
    pub stride: [usize; 2],
    /// Zeros on both sides, at most half the window.
    pub padding: [usize; 2],

    /// Whether the zeros count as elements.
    pub count_include_pad: bool,
}

impl Op for AvgPool2d {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Pooling
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        float(x)?;
        one(
            x.dtype,
            pooled(x, self.kernel_size, self.stride, self.padding, [1, 1])?,
        )
    }

    /// One operation per element of each window.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        windows(self.kernel_size, inputs, outputs)
    }
}

impl OpDef for AvgPool2d {
    const NAMES: &'static [&'static str] = &["avg_pool2d"];

    fn cases() -> Vec<OpCase> {
        let pool = |kernel_size, stride, padding, count_include_pad| AvgPool2d {
            kernel_size,
            stride,
            padding,
            count_include_pad,
        };
        vec![
            OpCase::new("plain", pool([2, 2], [2, 2], [0, 0], true), [&[1, 2, 5, 4]]),
            OpCase::new(
                "padded",
                pool([3, 3], [2, 2], [1, 1], true),
                [&[1, 2, 5, 6]],
            ),
            OpCase::new(
                "padding-apart",
                pool([3, 3], [1, 1], [1, 1], false),
                [&[1, 2, 4, 4]],
            ),
        ]
    }
}

register_op!(AvgPool2d);

/// Adds an [`AvgPool2d`] in which padding counts.
///
/// # Errors
/// When the window does not fit.
pub fn avg_pool2d(
    g: &mut GraphBuilder,
    x: Value,
    kernel_size: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> Result<Value, BuildError> {
    let op = AvgPool2d {
        kernel_size,
        stride,
        padding,
        count_include_pad: true,
    };
    g.one(op, &[x])
}
