//! Activations.

use nongemm_core::dtype::DType;
use nongemm_operators::{
    Activation, ActivationKind, Gelu, GeluApproximate, Hardtanh, NewGelu, Softplus,
};

use super::{Emit, Emitter, Tensor};
use crate::register_emit;

fn gelu(e: &mut Emitter, x: &Tensor, approximate: &str) -> Tensor {
    let call = e.call("Gelu", &[x]);
    call.text("approximate", approximate).one(x.spec().clone())
}

impl Emit for Gelu {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let approximate = match self.approximate {
            GeluApproximate::None => "none",
            GeluApproximate::Tanh => "tanh",
        };
        Ok(vec![gelu(e, &inputs[0], approximate)])
    }
}

register_emit!(Gelu);

/// The same formula in one node.
impl Emit for NewGelu {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        Ok(vec![gelu(e, &inputs[0], "tanh")])
    }
}

register_emit!(NewGelu);

impl Emit for Hardtanh {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        let low = e.number(self.min_val, x.dtype())?;
        let high = e.number(self.max_val, x.dtype())?;
        let call = e.call("Clip", &[x, &low, &high]);
        Ok(vec![call.one(x.spec().clone())])
    }
}

register_emit!(Hardtanh);

impl Emit for Activation {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        Ok(vec![match self.kind {
            ActivationKind::Relu => e.map("Relu", x),
            ActivationKind::Sigmoid => e.map("Sigmoid", x),
            ActivationKind::Tanh => e.map("Tanh", x),
            ActivationKind::Hardswish if x.dtype() == DType::F64 => {
                let gate = hardsigmoid(e, x)?;
                e.zip("Mul", x, &gate)?
            }
            ActivationKind::Hardswish => e.map("HardSwish", x),
            ActivationKind::Silu => {
                let gate = e.map("Sigmoid", x);
                e.zip("Mul", x, &gate)?
            }
            ActivationKind::Hardsigmoid => hardsigmoid(e, x)?,
        }])
    }
}

register_emit!(Activation);

/// In `f64` from operators that ONNX Runtime has in this type.
fn hardsigmoid(e: &mut Emitter, x: &Tensor) -> anyhow::Result<Tensor> {
    if x.dtype() != DType::F64 {
        let call = e.call("HardSigmoid", &[x]);
        return Ok(call.float("alpha", 1.0 / 6.0).one(x.spec().clone()));
    }
    let [zero, half, one, sixth] = [0.0, 0.5, 1.0, 1.0 / 6.0].map(|c| e.number(c, DType::F64));
    let slope = e.zip("Mul", x, &sixth?)?;
    let line = e.zip("Add", &slope, &half?)?;
    let call = e.call("Clip", &[&line, &zero?, &one?]);
    Ok(call.one(x.spec().clone()))
}

/// In `f64` from operators that ONNX Runtime has in this type; `exp` never overflows.
fn softplus(e: &mut Emitter, x: &Tensor) -> anyhow::Result<Tensor> {
    if x.dtype() != DType::F64 {
        return Ok(e.map("Softplus", x));
    }
    let [zero, one] = [0.0, 1.0].map(|c| e.number(c, DType::F64));
    let distance = e.map("Abs", x);
    let distance = e.map("Neg", &distance);
    let small = e.map("Exp", &distance);
    let sum = e.zip("Add", &small, &one?)?;
    let bend = e.map("Log", &sum);
    let line = e.zip("Max", x, &zero?)?;
    e.zip("Add", &line, &bend)
}

/// `beta x` above which `log(1 + exp(beta x))` is the number itself in `f32`.
const LINEAR: f64 = 20.0;

impl Emit for Softplus {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        let beta = e.number(self.beta, x.dtype())?;
        let one = self.beta == 1.0;
        let scaled = if one {
            x.clone()
        } else {
            e.zip("Mul", x, &beta)?
        };
        let soft = softplus(e, &scaled)?;
        let soft = if one {
            soft
        } else {
            e.zip("Div", &soft, &beta)?
        };
        if self.threshold == LINEAR {
            return Ok(vec![soft]);
        }
        let threshold = e.number(self.threshold, x.dtype())?;
        let mut spec = x.spec().clone();
        spec.dtype = DType::Bool;
        let linear = e.call("Greater", &[&scaled, &threshold]).one(spec);
        Ok(vec![e.choose(&linear, x, &soft)?])
    }
}

register_emit!(Softplus);
