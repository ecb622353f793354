//! `arange`: evenly spaced whole numbers.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{Inferred, ensure, invalid, one};

/// `start`, `start + step`, ... before `end`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arange {
    /// The first number.
    #[serde(default)]
    pub start: i64,
    /// Where to stop.
    pub end: i64,
    /// Whether the end is the size of the first dimension of an input, because only the data decide
    /// it; `end` is 0 then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rows: bool,
    /// The distance.
    #[serde(default = "one_step")]
    pub step: i64,
    /// Element type.
    pub dtype: DType,
}

fn one_step() -> i64 {
    1
}

impl Arange {
    /// One number for each row of the input.
    fn counted(&self, inputs: &[TensorSpec]) -> Inferred {
        let [x] = ShapeError::arity(inputs)?;
        ensure((self.start, self.end, self.step) == (0, 0, 1), || {
            "rows are counted from 0 in steps of 1".to_owned()
        })?;
        let first = x.shape.dims().first().cloned();
        let first = first.ok_or_else(|| invalid(format!("{x} has no rows to count")))?;
        one(self.dtype, Shape::new([first]))
    }
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
        ensure(self.dtype != DType::Bool, || {
            "numbers cannot be bool".to_owned()
        })?;
        if self.rows {
            return self.counted(inputs);
        }
        let [] = ShapeError::arity(inputs)?;
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

    /// The result is written; an input is not read.
    fn cost(&self, _inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, &[], outputs)
    }
}

impl OpDef for Arange {
    const NAMES: &'static [&'static str] = &["arange"];

    fn cases() -> Vec<OpCase> {
        let op = |start, end, step, dtype| Arange {
            start,
            end,
            rows: false,
            step,
            dtype,
        };
        let rows = Arange {
            rows: true,
            ..op(0, 0, 1, DType::I64)
        };
        vec![
            OpCase::new("rows", rows, [&[3, 2]]),
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
        rows: false,
        step: 1,
        dtype: DType::I64,
    };
    g.one(op, &[])
}

/// Adds an [`Arange`] that numbers the rows of `like`.
///
/// # Errors
/// When `like` has no dimensions.
pub fn arange_rows(g: &mut GraphBuilder, like: Value) -> Result<Value, BuildError> {
    let op = Arange {
        start: 0,
        end: 0,
        rows: true,
        step: 1,
        dtype: DType::I64,
    };
    g.one(op, &[like])
}
