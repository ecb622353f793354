//! `diff`: differences of neighbours.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::arithmetic::sub;
use crate::check::{arity, ensure, invalid, one};
use crate::memory::{Cat, cat, slice};

/// `diff(x, prepend?)[i] = x[i + 1] - x[i]` over one dimension; `prepend` is put before `x` first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diff {
    /// The dimension; negative counts from the end.
    pub dim: i64,
}

impl Op for Diff {
    fn name(&self) -> &'static str {
        "diff"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operation()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let x = match inputs {
            [x] => x.clone(),
            [x, prepend] => {
                let [joined] = &Cat { dim: self.dim }.infer(&[prepend.clone(), x.clone()])?[..]
                else {
                    return Err(invalid("cannot prepend"));
                };
                joined.clone()
            }
            _ => return Err(arity("1 or 2", inputs)),
        };
        ensure(x.dtype != DType::Bool, || {
            "does not take bool tensors".to_owned()
        })?;
        let axis = x.shape.axis(self.dim)?;
        let size = x.size(self.dim)?;
        let mut shape = x.shape;
        shape.dims_mut()[axis] = size.saturating_sub(1).into();
        one(x.dtype, shape)
    }

    /// One operation per element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(1, inputs, outputs)
    }

    fn decompose(
        &self,
        g: &mut GraphBuilder,
        inputs: &[Value],
    ) -> Option<Result<Vec<Value>, BuildError>> {
        let parts = |g: &mut GraphBuilder| {
            let x = match *inputs {
                [x, prepend] => cat(g, &[prepend, x], self.dim)?,
                [x] => x,
                _ => return Err(BuildError::config("diff takes 1 or 2 inputs")),
            };
            let later = slice(g, x, self.dim, 1, None)?;
            let earlier = slice(g, x, self.dim, 0, Some(-1))?;
            sub(g, later, earlier)
        };
        Some(parts(g).map(|value| vec![value]))
    }
}

impl OpDef for Diff {
    const NAMES: &'static [&'static str] = &["diff"];

    fn cases() -> Vec<OpCase> {
        vec![
            OpCase::new("plain", Diff { dim: 0 }, [&[4, 3]]),
            OpCase::new("prepend", Diff { dim: -1 }, [&[2, 5], &[2, 1]])
                .input(0, DType::I64, &[2, 5], Values::Below(9))
                .input(1, DType::I64, &[2, 1], Values::Below(9)),
        ]
    }
}

register_op!(Diff);

/// Adds a [`Diff`].
///
/// # Errors
/// When the dimension does not exist or `prepend` does not fit.
pub fn diff(
    g: &mut GraphBuilder,
    x: Value,
    dim: i64,
    prepend: Option<Value>,
) -> Result<Value, BuildError> {
    let inputs: Vec<Value> = [x].into_iter().chain(prepend).collect();
    g.one(Diff { dim }, &inputs)
}
