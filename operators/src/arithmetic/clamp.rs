//! `clamp`: values cut at bounds.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one, promote_scalar};

/// `clamp(x) = min(max(x, min), max)`; at least one bound is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clamp {
    /// Lower bound.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::scalar::option"
    )]
    pub min: Option<f64>,
    /// Upper bound.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::scalar::option"
    )]
    pub max: Option<f64>,
}

impl Op for Clamp {
    fn name(&self) -> &'static str {
        "clamp"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        ensure(self.min.or(self.max).is_some(), || {
            "needs a lower or an upper bound".to_owned()
        })?;
        let dtype = [self.min, self.max]
            .into_iter()
            .flatten()
            .fold(x.dtype, promote_scalar);
        one(dtype, x.shape.clone())
    }

    /// One comparison per element and bound.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let bounds = [self.min, self.max].into_iter().flatten().count();
        Cost::elementwise(bounds as u64, inputs, outputs)
    }
}

impl OpDef for Clamp {
    const NAMES: &'static [&'static str] = &["clamp"];

    fn cases() -> Vec<OpCase> {
        let clamp = |min, max| Clamp { min, max };
        vec![
            OpCase::new("both", clamp(Some(-0.5), Some(1.0)), [&[3, 5]]),
            OpCase::new("below", clamp(Some(0.0), None), [&[3, 5]]),
            OpCase::new("above", clamp(None, Some(0.25)), [&[3, 5]]),
            OpCase::new("integers", clamp(Some(2.0), Some(5.0)), [&[8]]).input(
                0,
                DType::I64,
                &[8],
                Values::Below(9),
            ),
        ]
    }
}

register_op!(Clamp);

/// Adds a [`Clamp`].
///
/// # Errors
/// When there is no bound.
pub fn clamp(
    g: &mut GraphBuilder,
    x: Value,
    min: Option<f64>,
    max: Option<f64>,
) -> Result<Value, BuildError> {
    g.one(Clamp { min, max }, &[x])
}
