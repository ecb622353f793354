//! Activations.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{
    Activation, ActivationKind, Gelu, GeluApproximate, Hardtanh, NewGelu, Softplus,
};

use super::{missing, shim, single};
use crate::engine::{Tensor, Torch};
use crate::register_kernel;

impl Eval<Torch> for Activation {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        if self.inplace {
            let mut x = inputs[0].shallow_clone();
            return single(match self.kind {
                ActivationKind::Relu => x.f_relu_(),
                ActivationKind::Silu => x.f_silu_(),
                ActivationKind::Sigmoid => x.f_sigmoid_(),
                ActivationKind::Tanh => x.f_tanh_(),
                ActivationKind::Hardswish => x.f_hardswish_(),
                ActivationKind::Hardsigmoid => x.f_hardsigmoid_(),
            });
        }
        let x = inputs[0];
        single(match self.kind {
            ActivationKind::Relu => x.f_relu(),
            ActivationKind::Silu => x.f_silu(),
            ActivationKind::Sigmoid => x.f_sigmoid(),
            ActivationKind::Tanh => x.f_tanh(),
            ActivationKind::Hardswish => x.f_hardswish(),
            ActivationKind::Hardsigmoid => x.f_hardsigmoid(),
        })
    }
}

register_kernel!(Activation);

impl Eval<Torch> for Gelu {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_gelu(match self.approximate {
            GeluApproximate::None => "none",
            GeluApproximate::Tanh => "tanh",
        }))
    }
}

register_kernel!(Gelu);

/// The same function: the reference's eager code writes it out, fused it is this one call.
impl Eval<Torch> for NewGelu {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_gelu("tanh"))
    }
}

register_kernel!(NewGelu);

impl Eval<Torch> for Hardtanh {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        shim(missing::hardtanh(
            inputs[0],
            self.min_val,
            self.max_val,
            self.inplace,
        ))
    }
}

register_kernel!(Hardtanh);

impl Eval<Torch> for Softplus {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        shim(missing::softplus(inputs[0], self.beta, self.threshold))
    }
}

register_kernel!(Softplus);
