//! Values chosen by masks.

use candle_core::{Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::{IsNonzero, Item, MaskedFill, Nonzero, Where};

use super::create::scalar;
use crate::engine::Candle;
use crate::host::with_elements;
use crate::kernels::{no_bytes, one};
use crate::promote::{cast, common, truth, with_scalar};
use crate::register_kernel;

impl Eval<Candle> for Where {
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        no_bytes(inputs)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(match (inputs, self.other) {
            (&[condition, a], Some(other)) => {
                let dtype = with_scalar(a.dtype(), other);
                choose(
                    condition,
                    &*cast(a, dtype)?,
                    &scalar(other, dtype, a.device())?,
                )
            }
            (&[condition, a, b], None) => {
                let dtype = common(a, b);
                choose(condition, &*cast(a, dtype)?, &*cast(b, dtype)?)
            }
            (&[condition], None) => return Ok(positions(condition)?.into_iter().collect()),
            _ => anyhow::bail!("takes a condition and two values, tensors or one of them a number"),
        })
    }
}

register_kernel!(Where);

/// The positions where a mask is set, a vector for each dimension.
fn positions(mask: &Tensor) -> Result<Vec<Tensor>> {
    let dims = mask.dims();
    let set: Vec<usize> = with_elements(&*truth(mask)?, |bits: &[u8]| {
        let set = bits.iter().enumerate().filter(|(_, bit)| **bit != 0);
        set.map(|(position, _)| position).collect()
    })?;
    let vectors = (0..dims.len()).map(|axis| {
        let inner: usize = dims[axis + 1..].iter().product();
        let along = set.iter().map(|at| (at / inner % dims[axis]) as i64);
        Tensor::from_vec(along.collect::<Vec<i64>>(), set.len(), mask.device())
    });
    vectors.collect()
}

impl Eval<Candle> for MaskedFill {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, mask] = inputs else {
            anyhow::bail!("takes 2 inputs, got {}", inputs.len());
        };
        one(choose(mask, &scalar(self.value, x.dtype(), x.device())?, x))
    }
}

register_kernel!(MaskedFill);

/// `a` where the mask is set, else `b`; all broadcast, without copies.
fn choose(mask: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let shape = a.shape().broadcast_shape_binary_op(b.shape(), "where")?;
    let shape = shape.broadcast_shape_binary_op(mask.shape(), "where")?;
    let (a, b) = (a.broadcast_as(&shape)?, b.broadcast_as(&shape)?);
    mask.broadcast_as(&shape)?.where_cond(&a, &b)
}

impl Eval<Candle> for Nonzero {
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        no_bytes(inputs)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(Tensor::stack(&positions(inputs[0])?, 1))
    }
}

register_kernel!(Nonzero);

impl Eval<Candle> for Item {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(inputs[0].reshape(()))
    }
}

register_kernel!(Item);

impl Eval<Candle> for IsNonzero {
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        no_bytes(inputs)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(truth(inputs[0])?.reshape(()))
    }
}

register_kernel!(IsNonzero);
