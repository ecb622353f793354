//! `hardtanh`: clamping as an activation; with bounds 0 and 6 it is ReLU6.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, float, one};

/// `hardtanh(x) = min(max(x, min_val), max_val)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardtanh {
    /// Lower bound.
    #[serde(with = "crate::scalar")]
    pub min_val: f64,
    /// Upper bound.
    #[serde(with = "crate::scalar")]
    pub max_val: f64,
    /// Whether the reference writes the result over the input.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inplace: bool,
}

impl Op for Hardtanh {
    fn name(&self) -> &'static str {
        "hardtanh"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Activation
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear()
    }

    fn storage(&self) -> Storage {
        Storage::in_place(self.inplace)
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        float(x)?;
        ensure(self.min_val <= self.max_val, || {
            format!(
                "bounds {} and {} are not ordered",
                self.min_val, self.max_val
            )
        })?;
        one(x.dtype, x.shape.clone())
    }

    /// Two comparisons per element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(2, inputs, outputs)
    }
}

impl OpDef for Hardtanh {
    const NAMES: &'static [&'static str] = &["hardtanh"];

    fn cases() -> Vec<OpCase> {
        let hardtanh = |min_val, max_val, inplace| Hardtanh {
            min_val,
            max_val,
            inplace,
        };
        let wide = Values::Range(-8.0, 8.0);
        vec![
            OpCase::new("relu6", hardtanh(0.0, 6.0, true), [&[3, 7]]).values(0, wide),
            OpCase::new("default", hardtanh(-1.0, 1.0, false), [&[3, 7]]),
            OpCase::new("open", hardtanh(0.5, f64::INFINITY, false), [&[3, 7]]),
        ]
    }
}

register_op!(Hardtanh);

/// Adds a ReLU6: a [`Hardtanh`] between 0 and 6.
///
/// # Errors
/// When the input is not floating-point.
pub fn relu6(g: &mut GraphBuilder, x: Value, inplace: bool) -> Result<Value, BuildError> {
    let op = Hardtanh {
        min_val: 0.0,
        max_val: 6.0,
        inplace,
    };
    g.one(op, &[x])
}
