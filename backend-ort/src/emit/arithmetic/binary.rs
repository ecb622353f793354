//! `add`, `sub`, `mul`, `div`, ..., `clamp`.

use nongemm_operators::{Binary, BinaryKind, Clamp};

use crate::emit::convert::arithmetic;
use crate::emit::{Emit, Emitter, Tensor};
use crate::register_emit;

impl Emit for Binary {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let dtype = e.output(0).dtype;
        let stored = arithmetic(dtype);
        let a = e.cast(&inputs[0], stored);
        let b = match self.scalar {
            Some(scalar) => e.number(scalar, stored)?,
            None => e.cast(&inputs[1], stored),
        };
        let result = match self.kind {
            BinaryKind::Add => e.zip("Add", &a, &b),
            BinaryKind::Sub => e.zip("Sub", &a, &b),
            BinaryKind::Rsub => e.zip("Sub", &b, &a),
            BinaryKind::Mul => e.zip("Mul", &a, &b),
            BinaryKind::Div => e.zip("Div", &a, &b),
            BinaryKind::FloorDiv => floor_div(e, &a, &b),
            BinaryKind::Maximum => e.zip("Max", &a, &b),
            BinaryKind::Minimum => e.zip("Min", &a, &b),
        };
        Ok(vec![e.cast(&result?, dtype)])
    }
}

register_emit!(Binary);

/// ONNX divides integers towards zero: what is left over, which has the sign of the divisor, is taken off first.
fn floor_div(e: &mut Emitter, a: &Tensor, b: &Tensor) -> anyhow::Result<Tensor> {
    if a.dtype().is_float() {
        let quotient = e.zip("Div", a, b)?;
        return Ok(e.map("Floor", &quotient));
    }
    let rest = e.zip("Mod", a, b)?;
    let whole = e.zip("Sub", a, &rest)?;
    e.zip("Div", &whole, b)
}

impl Emit for Clamp {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let dtype = e.output(0).dtype;
        let x = e.cast(&inputs[0], arithmetic(dtype));
        let bound = |e: &mut Emitter, bound: Option<f64>| match bound {
            // An infinite bound of integers is none.
            Some(bound) if bound.is_finite() || x.dtype().is_float() => e.number(bound, x.dtype()),
            _ => Ok(Tensor::none()),
        };
        let (min, max) = (bound(e, self.min)?, bound(e, self.max)?);
        let clipped = e.call("Clip", &[&x, &min, &max]).one(x.spec().clone());
        Ok(vec![e.cast(&clipped, dtype)])
    }
}

register_emit!(Clamp);
