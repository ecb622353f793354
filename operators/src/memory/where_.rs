//! `where`: one of two values, by a condition.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{arity, boolean, ensure, one, operands, output};

/// `where(condition, a, b)`: `a` where the condition holds, else `b`; all broadcast. `b` may be a
/// number. With a condition alone, of any type, the positions where it holds: one `i64` vector for each dimension,
/// in row-major order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Where {
    /// The value where the condition does not hold, if it is a number.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::scalar::option"
    )]
    pub other: Option<f64>,
}

impl Op for Where {
    fn name(&self) -> &'static str {
        "where"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.non_linear()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [condition, values @ ..] = inputs else {
            return Err(arity("from 1 to 3", inputs));
        };
        if values.is_empty() && self.other.is_none() {
            ensure(condition.shape.rank() > 0, || {
                "the condition needs dimensions".to_owned()
            })?;
            let positions = output(DType::I64, Shape::new([Dim::symbol("where")]))?;
            return Ok(vec![positions; condition.shape.rank()]);
        }
        boolean(condition, "condition")?;
        ensure(
            values.len() == 2 - usize::from(self.other.is_some()),
            || "takes a condition and two values, tensors or one of them a number".to_owned(),
        )?;
        let (shape, dtype) = operands(values, self.other)?;
        one(dtype, condition.shape.broadcast(&shape)?)
    }

    /// One selection per element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(1, inputs, outputs)
    }
}

impl OpDef for Where {
    const NAMES: &'static [&'static str] = &["where"];

    fn cases() -> Vec<OpCase> {
        let condition =
            |case: OpCase, shape: &[usize]| case.input(0, DType::Bool, shape, Values::Below(2));
        let tensors = OpCase::new(
            "tensors",
            Where { other: None },
            [&[2, 3], &[2, 3], &[2, 3]],
        );
        let broadcast = OpCase::new("broadcast", Where { other: None }, [&[2, 1], &[3], &[]]);
        let other = Some(f64::from(f32::MIN));
        // A number that only `f32` can hold.
        let number = OpCase::new("number", Where { other }, [&[2, 1, 3, 3], &[]]).jumps();
        let positions = |shape: &[usize]| {
            condition(
                OpCase::new("positions", Where { other: None }, [shape]),
                shape,
            )
        };
        let grid = OpCase::new("positions-2d", Where { other: None }, [&[3, 4]]);
        vec![
            positions(&[9]),
            condition(grid, &[3, 4]),
            condition(tensors, &[2, 3]),
            condition(broadcast, &[2, 1]),
            condition(number, &[2, 1, 3, 3]),
        ]
    }
}

register_op!(Where);

/// Adds a [`Where`] of a vector alone: the positions where it holds.
///
/// # Errors
/// When the condition is no vector.
pub fn where_true(g: &mut GraphBuilder, condition: Value) -> Result<Value, BuildError> {
    g.one(Where { other: None }, &[condition])
}

/// Adds a [`Where`] of a matrix alone: the rows and the columns where it holds.
///
/// # Errors
/// When the condition is no matrix.
pub fn where_pairs(g: &mut GraphBuilder, condition: Value) -> Result<[Value; 2], BuildError> {
    match g.add(Where { other: None }, &[condition])?.as_slice() {
        &[rows, columns] => Ok([rows, columns]),
        _ => Err(BuildError::config("where takes a matrix here")),
    }
}

/// Adds a [`Where`] of two tensors.
///
/// # Errors
/// When the shapes do not broadcast or the condition is not bool.
pub fn where_(
    g: &mut GraphBuilder,
    condition: Value,
    a: Value,
    b: Value,
) -> Result<Value, BuildError> {
    g.one(Where { other: None }, &[condition, a, b])
}

/// Adds a [`Where`] of a tensor and a number.
///
/// # Errors
/// When the shapes do not broadcast or the condition is not bool.
pub fn where_scalar(
    g: &mut GraphBuilder,
    condition: Value,
    a: Value,
    other: f64,
) -> Result<Value, BuildError> {
    let other = Some(other);
    g.one(Where { other }, &[condition, a])
}
