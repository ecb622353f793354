//! Normalizations. There is no form for `rms_norm`, which this version of ONNX's operators does not have: it runs in
//! parts, which ONNX Runtime fuses.

use nongemm_core::dtype::DType;
use nongemm_core::shape::{Dim, Shape};
use nongemm_operators::{BatchNorm, FrozenBatchNorm, GroupNorm, LayerNorm};

use super::convert::filled;
use super::{Emit, Emitter, Tensor};
use crate::register_emit;

fn batch_norm(e: &mut Emitter, inputs: &[Tensor], eps: f64) -> Vec<Tensor> {
    let operands: Vec<&Tensor> = inputs.iter().collect();
    let spec = e.output(0);
    let call = e.call("BatchNormalization", &operands);
    vec![call.float("epsilon", eps).one(spec)]
}

impl Emit for BatchNorm {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        Ok(batch_norm(e, inputs, self.eps))
    }
}

register_emit!(BatchNorm);

impl Emit for FrozenBatchNorm {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        Ok(batch_norm(e, inputs, self.eps))
    }
}

register_emit!(FrozenBatchNorm);

impl Emit for LayerNorm {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        let weight = match inputs.get(1) {
            Some(weight) => weight.clone(),
            None => {
                let count = self.normalized_shape.iter().product();
                let ones = filled(1.0, x.dtype(), count)?;
                e.elements(&self.normalized_shape, ones)?
            }
        };
        let bias = inputs.get(2).cloned().unwrap_or_else(Tensor::none);
        let call = e
            .call("LayerNormalization", &[x, &weight, &bias])
            .int("axis", -(self.normalized_shape.len() as i64))
            .float("epsilon", self.eps);
        Ok(vec![call.one(x.spec().clone())])
    }
}

register_emit!(LayerNorm);

/// Each of the innermost vectors of `(batch, channels, n)` with mean 0 and variance 1. In `f64` from operators that ONNX
/// Runtime has in this type.
fn rows_normalized(
    e: &mut Emitter,
    x: &Tensor,
    channels: usize,
    eps: f64,
) -> anyhow::Result<Tensor> {
    if x.dtype() != DType::F64 {
        let vector = |e: &mut Emitter, value| {
            let data = filled(value, x.dtype(), channels)?;
            e.elements(&[channels], data)
        };
        let (ones, zeros) = (vector(e, 1.0)?, vector(e, 0.0)?);
        let call = e.call("InstanceNormalization", &[x, &ones, &zeros]);
        return Ok(call.float("epsilon", eps).one(x.spec().clone()));
    }
    let mut shape = x.shape().clone();
    shape.dims_mut()[2] = Dim::Known(1);
    let mean = |e: &mut Emitter, x: &Tensor| {
        let axis = e.ints(&[2]);
        let call = e.call("ReduceMean", &[x, &axis]).int("keepdims", 1);
        call.one(x.spec().with_shape(shape.clone()))
    };
    let average = mean(e, x);
    let centred = e.zip("Sub", x, &average)?;
    let squares = e.zip("Mul", &centred, &centred)?;
    let variance = mean(e, &squares);
    let eps = e.number(eps, DType::F64)?;
    let variance = e.zip("Add", &variance, &eps)?;
    let deviation = e.map("Sqrt", &variance);
    e.zip("Div", &centred, &deviation)
}

/// A normalization of each group as one channel, then scale and shift of the real channels.
impl Emit for GroupNorm {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let (x, weight, bias) = (&inputs[0], &inputs[1], &inputs[2]);
        let batch = x.shape().dims()[0].clone();
        let size = Shape::new(x.shape().dims()[1..].iter().cloned()).elements();
        let size = size.map(|size| Dim::Known(size / self.num_groups.max(1)));
        let size = size.unwrap_or_else(|| Dim::symbol("group"));
        let groups = Shape::new([batch, Dim::Known(self.num_groups), size]);
        let groups = e.reshape(x, &groups)?;
        let normalized = rows_normalized(e, &groups, self.num_groups, self.eps)?;
        let normalized = e.reshape(&normalized, x.shape())?;
        let mut channels = vec![Dim::Known(1); x.rank() - 1];
        channels[0] = weight.shape().dims()[0].clone();
        let channels = Shape::new(channels);
        let weight = e.reshape(weight, &channels)?;
        let bias = e.reshape(bias, &channels)?;
        let scaled = e.zip("Mul", &normalized, &weight)?;
        Ok(vec![e.zip("Add", &scaled, &bias)?])
    }
}

register_emit!(GroupNorm);
