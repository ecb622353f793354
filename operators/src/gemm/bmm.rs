//! `bmm`: a batch of matrix products.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{invalid, multiply_adds, one, same_dim, same_float};

/// `bmm(a, b)` of `a[batch, n, k]` and `b[batch, k, m]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bmm {}

impl Op for Bmm {
    fn name(&self) -> &'static str {
        "bmm"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Gemm
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [a, b] = ShapeError::arity(inputs)?;
        same_float(inputs)?;
        let ([batch, rows, depth], [batch_b, depth_b, columns]) = (a.shape.dims(), b.shape.dims())
        else {
            return Err(invalid(format!(
                "takes batches of matrices, got {a} and {b}"
            )));
        };
        same_dim("batch dimensions", batch, batch_b)?;
        same_dim("inner dimensions", depth, depth_b)?;
        one(
            a.dtype,
            Shape::new([batch, rows, columns].into_iter().cloned()),
        )
    }

    /// `2 n m k` for each matrix of the batch.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let depth = inputs.first().and_then(|x| x.size(-1).ok()).unwrap_or(0);
        multiply_adds(depth as u64, inputs, outputs)
    }
}

impl OpDef for Bmm {
    const NAMES: &'static [&'static str] = &["bmm"];

    fn cases() -> Vec<OpCase> {
        vec![OpCase::new("batch", Bmm {}, [&[3, 2, 5], &[3, 5, 4]])]
    }
}

register_op!(Bmm);

/// Adds a [`Bmm`].
///
/// # Errors
/// When the shapes do not fit.
pub fn bmm(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    g.one(Bmm {}, &[a, b])
}
