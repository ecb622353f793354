//! `add`, `sub`, `mul`, ..., `clamp`.

use candle_core::{DType, Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::{Binary, BinaryKind, Clamp};

use crate::engine::Candle;
use crate::kernels::{activation, no_bytes, one};
use crate::promote::{cast, common, with_scalar};
use crate::register_kernel;

impl Eval<Candle> for Binary {
    /// Integers would be rounded to zero before they could be rounded to the floor.
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        let whole = inputs.iter().any(|input| !input.dtype.is_float());
        no_bytes(inputs) && !(whole && self.kind == BinaryKind::FloorDiv)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        match (inputs, self.scalar) {
            (&[x], Some(scalar)) => one(number(self.kind, x, scalar)),
            (&[a, b], None) => one(tensors(self.kind, a, b)),
            _ => anyhow::bail!("takes two tensors or a tensor and a number"),
        }
    }
}

register_kernel!(Binary);

/// A number is folded into one pass of the form `x scale + shift`, as candle's own operators do.
fn number(kind: BinaryKind, x: &Tensor, scalar: f64) -> Result<Tensor> {
    let dtype = match with_scalar(x.dtype(), scalar) {
        dtype if kind == BinaryKind::Div && !dtype.is_float() => DType::F32,
        dtype => dtype,
    };
    let x = cast(x, dtype)?;
    match kind {
        BinaryKind::Add => x.affine(1.0, scalar),
        BinaryKind::Sub => x.affine(1.0, -scalar),
        BinaryKind::Rsub => x.affine(-1.0, scalar),
        BinaryKind::Mul => x.affine(scalar, 0.0),
        BinaryKind::Div => x.affine(1.0 / scalar, 0.0),
        BinaryKind::FloorDiv => floor(&x.affine(1.0 / scalar, 0.0)?),
        BinaryKind::Maximum => x.maximum(scalar),
        BinaryKind::Minimum => x.minimum(scalar),
    }
}

fn tensors(kind: BinaryKind, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.dtype() == DType::U8 && b.dtype() == DType::U8 {
        return bits(kind, a, b);
    }
    let dtype = match common(a, b) {
        dtype if kind == BinaryKind::Div && !dtype.is_float() => DType::F32,
        dtype => dtype,
    };
    let (a, b) = (cast(a, dtype)?, cast(b, dtype)?);
    match kind {
        BinaryKind::Add => a.broadcast_add(&b),
        BinaryKind::Sub => a.broadcast_sub(&b),
        BinaryKind::Rsub => b.broadcast_sub(&a),
        BinaryKind::Mul => a.broadcast_mul(&b),
        BinaryKind::Div => a.broadcast_div(&b),
        BinaryKind::FloorDiv => floor(&a.broadcast_div(&b)?),
        BinaryKind::Maximum => a.broadcast_maximum(&b),
        BinaryKind::Minimum => a.broadcast_minimum(&b),
    }
}

fn floor(x: &Tensor) -> Result<Tensor> {
    if x.dtype().is_float() {
        x.floor()
    } else {
        candle_core::bail!("integers are not divided and rounded")
    }
}

/// Of bool tensors, the sum is "or" and the product "and".
fn bits(kind: BinaryKind, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match kind {
        BinaryKind::Add | BinaryKind::Maximum => a.broadcast_maximum(b),
        BinaryKind::Mul | BinaryKind::Minimum => a.broadcast_minimum(b),
        BinaryKind::Div => a
            .to_dtype(DType::F32)?
            .broadcast_div(&b.to_dtype(DType::F32)?),
        BinaryKind::Sub | BinaryKind::Rsub | BinaryKind::FloorDiv => {
            candle_core::bail!("bool tensors are neither subtracted nor divided and rounded")
        }
    }
}

impl Eval<Candle> for Clamp {
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        no_bytes(inputs)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let bounds = self.min.into_iter().chain(self.max);
        let x = cast(inputs[0], bounds.fold(inputs[0].dtype(), with_scalar))?;
        one(activation::clamp(&x, self.min, self.max))
    }
}

register_kernel!(Clamp);
