//! `full_like` and `zeros_like`: tensors of one value, as large as another.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one};

/// Which call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FullLikeKind {
    /// `full_like`: any value.
    FullLike,
    /// `zeros_like`: the value is 0.
    ZerosLike,
}

/// A new tensor of the input's shape whose elements are all `value`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullLike {
    /// Which call.
    pub kind: FullLikeKind,
    /// The value of every element.
    #[serde(with = "crate::scalar")]
    pub fill_value: f64,
    /// Element type.
    pub dtype: DType,
}

impl Op for FullLike {
    fn name(&self) -> &'static str {
        match self.kind {
            FullLikeKind::FullLike => "full_like",
            FullLikeKind::ZerosLike => "zeros_like",
        }
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        let zeros = self.kind == FullLikeKind::ZerosLike;
        ensure(!zeros || self.fill_value == 0.0, || {
            format!("the value cannot be {}", self.fill_value)
        })?;
        ensure(
            self.dtype.is_float() || self.fill_value.fract() == 0.0,
            || format!("{} is no {}", self.fill_value, self.dtype),
        )?;
        one(self.dtype, x.shape.clone())
    }

    /// The result is written; the input is not read.
    fn cost(&self, _inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, &[], outputs)
    }
}

impl OpDef for FullLike {
    const NAMES: &'static [&'static str] = &["full_like", "zeros_like"];

    fn cases() -> Vec<OpCase> {
        let op = |kind, fill_value, dtype| FullLike {
            kind,
            fill_value,
            dtype,
        };
        let (full, zeros) = (FullLikeKind::FullLike, FullLikeKind::ZerosLike);
        vec![
            OpCase::new("plain", op(full, 2.5, DType::F32), [&[2, 3]]),
            OpCase::new("integer", op(full, 3.0, DType::I64), [&[4]]),
            OpCase::new("plain", op(zeros, 0.0, DType::F32), [&[3, 2]]),
            OpCase::new("bool", op(zeros, 0.0, DType::Bool), [&[5]]),
        ]
    }
}

register_op!(FullLike);

/// A tensor of `value` as large as `x` and of its type.
///
/// # Errors
/// When the value does not fit the type.
pub fn full_like(g: &mut GraphBuilder, x: Value, value: f64) -> Result<Value, BuildError> {
    let op = FullLike {
        kind: FullLikeKind::FullLike,
        fill_value: value,
        dtype: g.spec(x).dtype,
    };
    g.one(op, &[x])
}

/// Zeros, as many as `x` has elements.
///
/// # Errors
/// Never for a single tensor.
pub fn zeros_like(g: &mut GraphBuilder, x: Value, dtype: DType) -> Result<Value, BuildError> {
    let op = FullLike {
        kind: FullLikeKind::ZerosLike,
        fill_value: 0.0,
        dtype,
    };
    g.one(op, &[x])
}
