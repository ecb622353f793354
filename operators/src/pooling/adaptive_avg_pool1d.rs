//! `adaptive_avg_pool1d`: means to a given length.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, float, one, rank};

/// Means over windows that divide the last dimension of `x[n, channels, l]` into `output_size` positions:
/// position `i` of `n` covers elements `⌊i l / n⌋` to `⌈(i + 1) l / n⌉`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveAvgPool1d {
    /// Length of the result.
    pub output_size: [usize; 1],
}

impl Op for AdaptiveAvgPool1d {
    fn name(&self) -> &'static str {
        "adaptive_avg_pool1d"
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
        rank(x, "input", 3)?;
        ensure(x.size(2)? > 0, || format!("takes no empty rows, got {x}"))?;
        let mut shape = x.shape.clone();
        shape.dims_mut()[2] = self.output_size[0].into();
        one(x.dtype, shape)
    }

    /// One operation per element of the input.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let elements = inputs.first().map_or(0, TensorSpec::elements);
        Cost::streaming(elements, inputs, outputs)
    }
}

impl OpDef for AdaptiveAvgPool1d {
    const NAMES: &'static [&'static str] = &["adaptive_avg_pool1d"];

    fn cases() -> Vec<OpCase> {
        let pool = |size| AdaptiveAvgPool1d {
            output_size: [size],
        };
        vec![
            OpCase::new("global", pool(1), [&[2, 3, 7]]),
            OpCase::new("uneven", pool(3), [&[1, 2, 5]]),
        ]
    }
}

register_op!(AdaptiveAvgPool1d);

/// Adds an [`AdaptiveAvgPool1d`].
///
/// # Errors
/// When the input does not have three dimensions.
pub fn adaptive_avg_pool1d(
    g: &mut GraphBuilder,
    x: Value,
    output_size: usize,
) -> Result<Value, BuildError> {
    let output_size = [output_size];
    g.one(AdaptiveAvgPool1d { output_size }, &[x])
}
