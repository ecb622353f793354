//! `clamp_min`: values cut at a lower bound.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::arithmetic::clamp;
use crate::check::{float, one};

/// `clamp_min(x) = max(x, min)` of floating-point numbers: [`Clamp`](crate::Clamp) by a name of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClampMin {
    /// Lower bound.
    #[serde(with = "crate::scalar")]
    pub min: f64,
}

impl Op for ClampMin {
    fn name(&self) -> &'static str {
        "clamp_min"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        float(x)?;
        one(x.dtype, x.shape.clone())
    }

    /// One comparison per element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(1, inputs, outputs)
    }

    fn decompose(
        &self,
        g: &mut GraphBuilder,
        inputs: &[Value],
    ) -> Option<Result<Vec<Value>, BuildError>> {
        let &[x] = inputs else { return None };
        Some(clamp(g, x, Some(self.min), None).map(|value| vec![value]))
    }
}

impl OpDef for ClampMin {
    const NAMES: &'static [&'static str] = &["clamp_min"];

    fn cases() -> Vec<OpCase> {
        vec![OpCase::new("plain", ClampMin { min: 0.25 }, [&[3, 5]])]
    }
}

register_op!(ClampMin);

/// Adds a [`ClampMin`].
///
/// # Errors
/// When the input is not floating-point.
pub fn clamp_min(g: &mut GraphBuilder, x: Value, min: f64) -> Result<Value, BuildError> {
    g.one(ClampMin { min }, &[x])
}
