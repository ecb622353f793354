//! `roll`: elements shifted around the ends.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one};

/// Shifts elements along dimensions; what leaves at one end enters at the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roll {
    /// By how many positions; one for each of `dims`.
    pub shifts: Vec<i64>,
    /// The dimensions; negative counts from the end.
    pub dims: Vec<i64>,
}

impl Op for Roll {
    fn name(&self) -> &'static str {
        "roll"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        ensure(
            !self.dims.is_empty() && self.shifts.len() == self.dims.len(),
            || {
                format!(
                    "{} shifts for {} dimensions",
                    self.shifts.len(),
                    self.dims.len()
                )
            },
        )?;
        self.dims
            .iter()
            .try_for_each(|&dim| x.shape.axis(dim).map(|_| ()))?;
        one(x.dtype, x.shape.clone())
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, inputs, outputs)
    }
}

impl OpDef for Roll {
    const NAMES: &'static [&'static str] = &["roll"];

    fn cases() -> Vec<OpCase> {
        let roll = |shifts: &[i64], dims: &[i64]| Roll {
            shifts: shifts.to_vec(),
            dims: dims.to_vec(),
        };
        vec![
            OpCase::new("one", roll(&[1], &[0]), [&[4, 3]]),
            OpCase::new("window", roll(&[-1, -2], &[1, 2]), [&[1, 4, 5, 2]]),
        ]
    }
}

register_op!(Roll);

/// Adds a [`Roll`].
///
/// # Errors
/// When a dimension does not exist.
pub fn roll(
    g: &mut GraphBuilder,
    x: Value,
    shifts: &[i64],
    dims: &[i64],
) -> Result<Value, BuildError> {
    let (shifts, dims) = (shifts.to_vec(), dims.to_vec());
    g.one(Roll { shifts, dims }, &[x])
}
