//! `arange`: evenly spaced whole numbers.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, invalid, one};

/// `start`, `start + step`, ... before `end`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arange {
    /// The first number.
    #[serde(default)]
    pub start: i64,
    /// Where to stop.
    pub end: i64,
    /// The distance.
    #[serde(default = "one_step")]
    pub step: i64,
    /// Element type.
    pub dtype: DType,
}

fn one_step() -> i64 {
    1
}

impl Op for Arange {
    fn name(&self) -> &'static str {
        "arange"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [] = ShapeError::arity(inputs)?;
        ensure(self.dtype != DType::Bool, || {
            "numbers cannot be bool".to_owned()
        })?;
        let (span, step) = (
            i128::from(self.end) - i128::from(self.start),
            i128::from(self.step),
        );
        ensure(step != 0 && (span == 0 || (span > 0) == (step > 0)), || {
            format!(
                "a step of {} does not lead from {} to {}",
                self.step, self.start, self.end
            )
        })?;
        let count = span.unsigned_abs().div_ceil(step.unsigned_abs());
        let count = usize::try_from(count).map_err(|_| invalid("too many numbers"))?;
        one(self.dtype, [count])
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, inputs, outputs)
    }
}

impl OpDef for Arange {
    const NAMES: &'static [&'static str] = &["arange"];

    fn cases() -> Vec<OpCase> {
        let op = |start, end, step, dtype| Arange {
            start,
            end,
            step,
            dtype,
        };
        vec![
            OpCase::new("plain", op(0, 8, 1, DType::I64), []),
            OpCase::new("step", op(-3, 6, 2, DType::F32), []),
            OpCase::new("down", op(5, 0, -2, DType::I64), []),
        ]
    }
}

register_op!(Arange);

/// Adds an [`Arange`] from 0 to `end` of type `i64`.
///
/// # Errors
/// When `end` is too large.
pub fn arange(g: &mut GraphBuilder, end: usize) -> Result<Value, BuildError> {
    let end = i64::try_from(end).map_err(|_| BuildError::config("arange: end is too large"))?;
    let op = Arange {
        start: 0,
        end,
        step: 1,
        dtype: DType::I64,
    };
    g.one(op, &[])
}
