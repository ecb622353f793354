//! `neg`, `exp`, `rsqrt`, ..., `pow`.

use nongemm_core::dtype::DType;
use nongemm_operators::{Pow, Unary, UnaryKind};

use crate::emit::convert::arithmetic;
use crate::emit::{Emit, Emitter, Tensor};
use crate::register_emit;

impl Emit for Unary {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let dtype = e.output(0).dtype;
        let x = e.cast(&inputs[0], arithmetic(dtype));
        let whole = !dtype.is_float();
        let y = match self.kind {
            UnaryKind::Neg => e.map("Neg", &x),
            UnaryKind::Abs => e.map("Abs", &x),
            UnaryKind::Floor | UnaryKind::Ceil if whole => x,
            UnaryKind::Floor => e.map("Floor", &x),
            UnaryKind::Ceil => e.map("Ceil", &x),
            UnaryKind::Exp => e.map("Exp", &x),
            UnaryKind::Log => e.map("Log", &x),
            UnaryKind::Log2 => log2(e, &x)?,
            UnaryKind::Sqrt => e.map("Sqrt", &x),
            UnaryKind::Rsqrt => {
                let root = e.map("Sqrt", &x);
                e.map("Reciprocal", &root)
            }
            UnaryKind::Sin => e.map("Sin", &x),
            UnaryKind::Cos => e.map("Cos", &x),
            UnaryKind::Reciprocal => e.map("Reciprocal", &x),
            UnaryKind::Erf => e.map("Erf", &x),
        };
        Ok(vec![e.cast(&y, dtype)])
    }
}

register_emit!(Unary);

/// In `f64`, so that powers of 2 have whole logarithms: detectors round them.
fn log2(e: &mut Emitter, x: &Tensor) -> anyhow::Result<Tensor> {
    let wide = e.cast(x, DType::F64);
    let log = e.map("Log", &wide);
    let base = e.number(std::f64::consts::LN_2, DType::F64)?;
    let log = e.zip("Div", &log, &base)?;
    Ok(e.cast(&log, x.dtype()))
}

impl Emit for Pow {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let dtype = e.output(0).dtype;
        let x = e.cast(&inputs[0], arithmetic(dtype));
        let power = match self.base {
            Some(base) => {
                let base = e.number(base, x.dtype())?;
                e.zip("Pow", &base, &x)?
            }
            None => {
                let exponent = e.number(self.exponent, x.dtype())?;
                e.zip("Pow", &x, &exponent)?
            }
        };
        Ok(vec![e.cast(&power, dtype)])
    }
}

register_emit!(Pow);
