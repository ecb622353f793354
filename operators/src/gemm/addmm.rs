//! `addmm`: a matrix product added to a bias.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, matrix, multiply_adds, one, rank, same_dim, same_float};

/// `addmm(bias, x, weight) = bias + x weight` with `x[n, k]`, `weight[k, m]` and a bias that
/// broadcasts to `[n, m]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addmm {}

impl Op for Addmm {
    fn name(&self) -> &'static str {
        "addmm"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Gemm
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [bias, x, weight] = ShapeError::arity(inputs)?;
        same_float(inputs)?;
        rank(x, "the first matrix", 2)?;
        rank(weight, "the second matrix", 2)?;
        let (_, rows, depth) = matrix(x)?;
        let (_, depth_too, columns) = matrix(weight)?;
        same_dim("inner dimensions", depth, depth_too)?;
        let shape = Shape::new([rows.clone(), columns.clone()]);
        ensure(bias.shape.broadcast(&shape)? == shape, || {
            format!("bias {bias} does not broadcast to {shape}")
        })?;
        one(x.dtype, shape)
    }

    /// `2 n m k`; the bias starts the sums.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let depth = inputs.get(1).and_then(|x| x.size(-1).ok()).unwrap_or(0);
        multiply_adds(depth as u64, inputs, outputs)
    }
}

impl OpDef for Addmm {
    const NAMES: &'static [&'static str] = &["addmm"];

    fn cases() -> Vec<OpCase> {
        vec![
            OpCase::new("vector", Addmm {}, [&[5], &[3, 4], &[4, 5]]),
            OpCase::new("matrix", Addmm {}, [&[3, 5], &[3, 4], &[4, 5]]),
        ]
    }
}

register_op!(Addmm);

/// Adds an [`Addmm`].
///
/// # Errors
/// When the shapes do not fit.
pub fn addmm(
    g: &mut GraphBuilder,
    bias: Value,
    x: Value,
    weight: Value,
) -> Result<Value, BuildError> {
    g.one(Addmm {}, &[bias, x, weight])
}
