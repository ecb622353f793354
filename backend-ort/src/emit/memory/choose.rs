//! Elements chosen by a condition: `where`, `masked_fill`, `nonzero`.

use nongemm_core::dtype::DType;
use nongemm_core::shape::{Dim, Shape, TensorSpec};
use nongemm_operators::{MaskedFill, Nonzero, Where};

use crate::emit::convert::arithmetic;
use crate::emit::{Emit, Emitter, Tensor};
use crate::register_emit;

impl Emit for MaskedFill {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let (x, mask) = (&inputs[0], &inputs[1]);
        let value = e.number(self.value, x.dtype())?;
        Ok(vec![e.choose(mask, &value, x)?])
    }
}

register_emit!(MaskedFill);

impl Emit for Where {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let dtype = e.output(0).dtype;
        let condition = &inputs[0];
        match (&inputs[1..], self.other) {
            ([], None) => {
                let found = positions(e, condition);
                (0..condition.rank())
                    .map(|axis| e.pick(&found, 0, axis as i64))
                    .collect()
            }
            ([a], Some(other)) => {
                let a = e.cast(a, dtype);
                let b = e.number(other, dtype)?;
                Ok(vec![e.choose(condition, &a, &b)?])
            }
            ([a, b], None) => {
                let (a, b) = (e.cast(a, dtype), e.cast(b, dtype));
                Ok(vec![e.choose(condition, &a, &b)?])
            }
            _ => anyhow::bail!("takes a condition and two values"),
        }
    }
}

register_emit!(Where);

/// Positions of what is not 0: a row for each dimension.
fn positions(e: &mut Emitter, x: &Tensor) -> Tensor {
    let known = match x.dtype() {
        DType::Bool | DType::F32 | DType::I32 | DType::I64 => x.dtype(),
        float if float.is_float() => DType::Bool,
        other => arithmetic(other),
    };
    let x = e.cast(x, known);
    // The number of positions is that of the graph's output, whose first dimension it is.
    let count = e.output(0).shape.dims().first().cloned();
    let count = count.unwrap_or(Dim::Known(0));
    let shape = Shape::new([Dim::Known(x.rank()), count]);
    e.call("NonZero", &[&x])
        .one(TensorSpec::new(DType::I64, shape))
}

impl Emit for Nonzero {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let found = positions(e, &inputs[0]);
        Ok(vec![e.transpose(&found, &[1, 0])])
    }
}

register_emit!(Nonzero);
