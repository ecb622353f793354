//! Comparisons and logic. Results are `u8` tensors of 0 and 1.

use candle_core::{DType, Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::{Compare, CompareKind, Logical, LogicalKind};

use crate::engine::Candle;
use crate::host;
use crate::kernels::{no_bytes, one};
use crate::promote::{cast, common, truth, with_scalar};
use crate::register_kernel;

impl Eval<Candle> for Compare {
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        no_bytes(inputs)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        match (inputs, self.scalar) {
            (&[x], Some(scalar)) => {
                let x = cast(x, with_scalar(x.dtype(), scalar))?;
                one(number(self.kind, &x, scalar))
            }
            (&[a, b], None) => {
                let dtype = common(a, b);
                one(tensors(self.kind, &*cast(a, dtype)?, &*cast(b, dtype)?))
            }
            _ => anyhow::bail!("takes two tensors or a tensor and a number"),
        }
    }
}

register_kernel!(Compare);

fn number(kind: CompareKind, x: &Tensor, scalar: f64) -> Result<Tensor> {
    match kind {
        CompareKind::Eq => x.eq(scalar),
        CompareKind::Ne => x.ne(scalar),
        CompareKind::Lt => x.lt(scalar),
        CompareKind::Le => x.le(scalar),
        CompareKind::Gt | CompareKind::Greater => x.gt(scalar),
        CompareKind::Ge => x.ge(scalar),
    }
}

fn tensors(kind: CompareKind, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match kind {
        CompareKind::Eq => a.broadcast_eq(b),
        CompareKind::Ne => a.broadcast_ne(b),
        CompareKind::Lt => a.broadcast_lt(b),
        CompareKind::Le => a.broadcast_le(b),
        CompareKind::Gt | CompareKind::Greater => a.broadcast_gt(b),
        CompareKind::Ge => a.broadcast_ge(b),
    }
}

impl Eval<Candle> for Logical {
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        no_bytes(inputs)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        match (self.kind, inputs) {
            (LogicalKind::LogicalNot, &[x]) => one(x.eq(0f64)),
            (LogicalKind::Not, &[x]) if x.dtype() == DType::U8 => one(x.eq(0f64)),
            (LogicalKind::Not, &[x]) => one(x.affine(-1.0, -1.0)),
            (LogicalKind::LogicalAnd, &[a, b]) => one(truth(a)?.broadcast_minimum(&*truth(b)?)),
            (LogicalKind::LogicalOr, &[a, b]) => one(truth(a)?.broadcast_maximum(&*truth(b)?)),
            (LogicalKind::And, &[a, b]) => one(bitwise(a, b, |a, b| a & b)),
            (LogicalKind::Or, &[a, b]) => one(bitwise(a, b, |a, b| a | b)),
            _ => anyhow::bail!("wrong number of inputs"),
        }
    }
}

register_kernel!(Logical);

/// Masks stay in candle; candle has no bit operations for wider integers.
fn bitwise(a: &Tensor, b: &Tensor, function: impl Fn(i64, i64) -> i64) -> Result<Tensor> {
    let dtype = common(a, b);
    if dtype == DType::U8 {
        return if function(0, 1) == 0 {
            a.broadcast_minimum(b)
        } else {
            a.broadcast_maximum(b)
        };
    }
    let shape = a.shape().broadcast_shape_binary_op(b.shape(), "bitwise")?;
    let (a, b) = (
        cast(a, dtype)?.broadcast_as(&shape)?,
        cast(b, dtype)?.broadcast_as(&shape)?,
    );
    let (left, right) = (host::integers(&a)?, host::integers(&b)?);
    let values = left
        .into_iter()
        .zip(right)
        .map(|(a, b)| function(a, b))
        .collect();
    host::from_integers(values, &a)
}
