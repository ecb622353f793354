//! `group_norm`: normalization over groups of channels.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one, same_float, vector};

/// `group_norm(x, weight, bias)`: each group of channels (dimension 1) of each sample is normalized
/// to mean 0 and variance 1, then scaled and shifted by channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupNorm {
    /// Number of groups.
    pub num_groups: usize,
    /// Added to the variance.
    pub eps: f64,
}

impl Op for GroupNorm {
    fn name(&self) -> &'static str {
        "group_norm"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Normalization
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear().reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x, weight, bias] = ShapeError::arity(inputs)?;
        same_float(inputs)?;
        let channels = x.size(1)?;
        ensure(
            self.num_groups > 0 && channels % self.num_groups == 0,
            || format!("{channels} channels do not make {} groups", self.num_groups),
        )?;
        vector(weight, "weight", &Dim::Known(channels))?;
        vector(bias, "bias", &Dim::Known(channels))?;
        one(x.dtype, x.shape.clone())
    }

    /// Seven operations per element, as layer normalization.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(7, inputs, outputs)
    }
}

impl OpDef for GroupNorm {
    const NAMES: &'static [&'static str] = &["group_norm"];

    fn cases() -> Vec<OpCase> {
        let group_norm = |num_groups| GroupNorm {
            num_groups,
            eps: 1e-5,
        };
        vec![
            OpCase::new("images", group_norm(2), [&[2, 6, 3, 4], &[6], &[6]]),
            OpCase::new("one-group", group_norm(1), [&[2, 4, 5], &[4], &[4]]),
        ]
    }
}

register_op!(GroupNorm);

/// Adds a [`GroupNorm`].
///
/// # Errors
/// When the channels do not divide into the groups.
pub fn group_norm(
    g: &mut GraphBuilder,
    x: Value,
    num_groups: usize,
    weight: Value,
    bias: Value,
    eps: f64,
) -> Result<Value, BuildError> {
    g.one(GroupNorm { num_groups, eps }, &[x, weight, bias])
}
