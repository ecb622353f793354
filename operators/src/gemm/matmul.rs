//! `matmul`: the general matrix product.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{invalid, multiply_adds, one, same_dim, same_float};

/// `matmul(a, b)` of matrices `a[..., n, k]` and `b[..., k, m]`, whose batch dimensions broadcast. A
/// vector takes part as a row on the left and as a column on the right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matmul {}

impl Op for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
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
        let (batch_a, rows, depth) = match a.shape.dims() {
            [] => return Err(invalid(format!("takes tensors with dimensions, got {a}"))),
            [depth] => (&[][..], None, depth),
            [batch @ .., rows, depth] => (batch, Some(rows), depth),
        };
        let (batch_b, depth_b, columns) = match b.shape.dims() {
            [] => return Err(invalid(format!("takes tensors with dimensions, got {b}"))),
            [depth] => (&[][..], depth, None),
            [batch @ .., depth, columns] => (batch, depth, Some(columns)),
        };
        same_dim("inner dimensions", depth, depth_b)?;
        let batch = Shape::new(batch_a.iter().cloned());
        let mut shape = batch.broadcast(&Shape::new(batch_b.iter().cloned()))?;
        shape
            .dims_mut()
            .extend(rows.into_iter().chain(columns).cloned());
        one(a.dtype, shape)
    }

    /// `2 n m k` for each matrix of the batch.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let depth = inputs.first().and_then(|x| x.size(-1).ok()).unwrap_or(0);
        multiply_adds(depth as u64, inputs, outputs)
    }
}

impl OpDef for Matmul {
    const NAMES: &'static [&'static str] = &["matmul"];

    fn cases() -> Vec<OpCase> {
        vec![
            OpCase::new("matrices", Matmul {}, [&[3, 4], &[4, 5]]),
            OpCase::new("batched", Matmul {}, [&[2, 3, 4, 5], &[2, 3, 5, 4]]),
            OpCase::new("broadcast", Matmul {}, [&[2, 1, 3, 4], &[5, 4, 2]]),
            OpCase::new("vector", Matmul {}, [&[2, 3, 4], &[4]]),
        ]
    }
}

register_op!(Matmul);

/// Adds a [`Matmul`].
///
/// # Errors
/// When the shapes do not fit.
pub fn matmul(g: &mut GraphBuilder, a: Value, b: Value) -> Result<Value, BuildError> {
    g.one(Matmul {}, &[a, b])
}
