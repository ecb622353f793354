//! Values chosen by conditions.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{IsNonzero, Item, MaskedFill, Nonzero, Where};

use crate::engine::{Tensor, Torch};
use crate::kernels::{missing, several, shim, single, wrong_inputs};
use crate::register_kernel;

impl Eval<Torch> for Where {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        match (inputs, self.other) {
            (&[condition, x], Some(other)) => shim(missing::where_number(condition, x, other)),
            // The method belongs to the tensor that is taken where the condition holds.
            (&[condition, x, other], None) => single(x.f_where_self(condition, other)),
            (&[condition], None) => several(tch::Tensor::f_where_(condition)),
            _ => wrong_inputs(
                "a condition and two values, tensors or one of them a number",
                inputs,
            ),
        }
    }
}

register_kernel!(Where);

impl Eval<Torch> for MaskedFill {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, mask] = inputs else {
            return wrong_inputs("a tensor and a mask", inputs);
        };
        shim(missing::masked_fill(x, mask, self.value))
    }
}

register_kernel!(MaskedFill);

impl Eval<Torch> for IsNonzero {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        shim(missing::is_nonzero(inputs[0]))
    }
}

register_kernel!(IsNonzero);

impl Eval<Torch> for Item {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        shim(missing::item(inputs[0]))
    }
}

register_kernel!(Item);

impl Eval<Torch> for Nonzero {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_nonzero())
    }
}

register_kernel!(Nonzero);
