//! New tensors, and tensors of another type.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Arange, Full, FullKind, FullLike, FullLikeKind, OneHot, To};

use crate::convert;
use crate::engine::{Tensor, Torch};
use crate::kernels::{missing, shim, single, sizes, wrong_inputs};
use crate::register_kernel;

impl Eval<Torch> for Arange {
    fn eval(&self, engine: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let end = match rows(self.rows, inputs)? {
            Some(rows) => rows,
            None => self.end,
        };
        let range = [self.start, end, self.step];
        shim(missing::arange(engine, range, self.dtype))
    }
}

register_kernel!(Arange);

impl Eval<Torch> for Full {
    fn eval(&self, engine: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let mut size = sizes(&self.size);
        if let Some(rows) = rows(self.rows, inputs)? {
            size.insert(0, rows);
        }
        let (value, dtype) = (self.value, self.dtype);
        let options = (convert::to_torch(dtype)?, engine.device());
        match (self.kind, inputs) {
            (FullKind::Full, _) => shim(missing::full(engine, &size, value, dtype)),
            (FullKind::Empty, &[elements]) => shim(missing::written_from(elements)),
            (FullKind::Empty, _) => shim(missing::written(engine, &size, value, dtype)),
            (FullKind::Zeros, _) => single(tch::Tensor::f_zeros(&size[..], options)),
            (FullKind::Ones, _) => single(tch::Tensor::f_ones(&size[..], options)),
            (FullKind::NewFull, &[x]) => shim(missing::new_full(x, &size, value, dtype)),
            (FullKind::NewZeros, &[x]) => single(x.f_new_zeros(&size[..], options)),
            (FullKind::NewOnes, &[x]) => single(x.f_new_ones(&size[..], options)),
            _ => wrong_inputs("a tensor", inputs),
        }
    }
}

register_kernel!(Full);

/// The first size of the input, where the operator wants it.
fn rows(wanted: bool, inputs: &[&Tensor]) -> anyhow::Result<Option<i64>> {
    if !wanted {
        return Ok(None);
    }
    let [like] = inputs else {
        return wrong_inputs("a tensor that has the rows", inputs);
    };
    Ok(like.size().first().copied())
}

impl Eval<Torch> for FullLike {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (x, dtype) = (inputs[0], self.dtype);
        shim(match self.kind {
            FullLikeKind::FullLike => missing::full_like(x, self.fill_value, dtype),
            FullLikeKind::ZerosLike => missing::zeros_like(x, dtype),
        })
    }
}

register_kernel!(FullLike);

impl Eval<Torch> for OneHot {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_one_hot(self.num_classes as i64))
    }
}

register_kernel!(OneHot);

/// To the engine's device too: what the host has written ([`FullKind::Empty`]) gets there this way.
impl Eval<Torch> for To {
    fn eval(&self, engine: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (non_blocking, copy) = (false, false);
        let dtype = convert::to_torch(self.dtype)?;
        single(inputs[0].f_to_device_(engine.device(), dtype, non_blocking, copy))
    }
}

register_kernel!(To);
