//! `masked_fill`: a value where a mask is set.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{boolean, ensure, one, promote_scalar};

/// `masked_fill(x, mask)`: `value` where the mask is set, else `x`; the mask broadcasts to `x`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskedFill {
    /// The value.
    #[serde(with = "crate::scalar")]
    pub value: f64,
}

impl Op for MaskedFill {
    fn name(&self) -> &'static str {
        "masked_fill"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x, mask] = ShapeError::arity(inputs)?;
        boolean(mask, "mask")?;
        let shape = x.shape.broadcast(&mask.shape)?;
        ensure(
            promote_scalar(x.dtype, self.value) == x.dtype || x.dtype == DType::Bool,
            || format!("{} does not fit into {}", self.value, x.dtype),
        )?;
        one(x.dtype, shape)
    }

    /// One selection per element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(1, inputs, outputs)
    }
}

impl OpDef for MaskedFill {
    const NAMES: &'static [&'static str] = &["masked_fill"];

    fn cases() -> Vec<OpCase> {
        let fill = |value| MaskedFill { value };
        let mask =
            |case: OpCase, shape: &[usize]| case.input(1, DType::Bool, shape, Values::Below(2));
        vec![
            mask(
                OpCase::new("plain", fill(-100.0), [&[2, 3], &[2, 3]]),
                &[2, 3],
            ),
            mask(
                OpCase::new(
                    "infinity",
                    fill(f64::NEG_INFINITY),
                    [&[2, 3, 4], &[2, 1, 4]],
                ),
                &[2, 1, 4],
            ),
        ]
    }
}

register_op!(MaskedFill);

/// Adds a [`MaskedFill`].
///
/// # Errors
/// When the mask does not broadcast or is not bool.
pub fn masked_fill(
    g: &mut GraphBuilder,
    x: Value,
    mask: Value,
    value: f64,
) -> Result<Value, BuildError> {
    g.one(MaskedFill { value }, &[x, mask])
}
