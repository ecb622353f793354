//! `adaptive_avg_pool2d`: means to a given size.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, float, one, rank};

/// Means over windows that divide an image `x[n, channels, h, w]` into `output_size` positions:
/// position `i` of `n` covers elements `⌊i h / n⌋` to `⌈(i + 1) h / n⌉`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveAvgPool2d {
    /// Height and width of the result.
    pub output_size: [usize; 2],
}

impl Op for AdaptiveAvgPool2d {
    fn name(&self) -> &'static str {
        "adaptive_avg_pool2d"
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
        rank(x, "input", 4)?;
        let (h, w) = (x.size(2)?, x.size(3)?);
        ensure(h > 0 && w > 0, || format!("takes images, got {x}"))?;
        let mut shape = x.shape.clone();
        for (dim, size) in shape.dims_mut().iter_mut().skip(2).zip(self.output_size) {
            *dim = size.into();
        }
        one(x.dtype, shape)
    }

    /// One operation per element of the input.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let elements = inputs.first().map_or(0, TensorSpec::elements);
        Cost::streaming(elements, inputs, outputs)
    }
}

impl OpDef for AdaptiveAvgPool2d {
    const NAMES: &'static [&'static str] = &["adaptive_avg_pool2d"];

    fn cases() -> Vec<OpCase> {
        let pool = |output_size| AdaptiveAvgPool2d { output_size };
        vec![
            OpCase::new("global", pool([1, 1]), [&[2, 3, 4, 5]]),
            OpCase::new("even", pool([2, 2]), [&[1, 2, 4, 6]]),
            OpCase::new("uneven", pool([3, 2]), [&[1, 2, 5, 5]]),
        ]
    }
}

register_op!(AdaptiveAvgPool2d);

/// Adds an [`AdaptiveAvgPool2d`].
///
/// # Errors
/// When the input is not a batch of images.
pub fn adaptive_avg_pool2d(
    g: &mut GraphBuilder,
    x: Value,
    output_size: [usize; 2],
) -> Result<Value, BuildError> {
    g.one(AdaptiveAvgPool2d { output_size }, &[x])
}
