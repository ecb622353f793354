//! `linear`, `addmm`, `bmm`, `matmul`.

use nongemm_operators::{Addmm, Bmm, Linear, Matmul};

use crate::emit::{Emit, Emitter, Tensor};
use crate::register_emit;

/// As PyTorch's exporter writes it, so that ONNX Runtime fuses what it fuses there.
impl Emit for Linear {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let (x, weight, bias) = (&inputs[0], &inputs[1], inputs.get(2));
        let spec = e.output(0);
        if let (2, Some(bias)) = (x.rank(), bias) {
            let call = e.call("Gemm", &[x, weight, bias]);
            return Ok(vec![call.int("transB", 1).one(spec)]);
        }
        let weight = e.transposed_matrix(weight);
        let product = e.call("MatMul", &[x, &weight]).one(spec);
        Ok(vec![match bias {
            Some(bias) => e.zip("Add", &product, bias)?,
            None => product,
        }])
    }
}

register_emit!(Linear);

impl Emit for Addmm {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let spec = e.output(0);
        let call = e.call("Gemm", &[&inputs[1], &inputs[2], &inputs[0]]);
        Ok(vec![call.one(spec)])
    }
}

register_emit!(Addmm);

fn product(e: &mut Emitter, inputs: &[Tensor]) -> Vec<Tensor> {
    let spec = e.output(0);
    vec![e.call("MatMul", &[&inputs[0], &inputs[1]]).one(spec)]
}

impl Emit for Bmm {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        Ok(product(e, inputs))
    }
}

register_emit!(Bmm);

impl Emit for Matmul {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        Ok(product(e, inputs))
    }
}

register_emit!(Matmul);
