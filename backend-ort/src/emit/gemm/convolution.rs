//! `conv2d` and `conv_transpose2d`.

use nongemm_operators::{Conv2d, ConvTranspose2d};

use crate::emit::{Emit, Emitter, Tensor};
use crate::register_emit;

fn sizes<const N: usize>(pair: [usize; N]) -> impl Iterator<Item = i64> + Clone {
    pair.into_iter().map(|size| size as i64)
}

/// Height and width of the kernel.
fn kernel(weight: &Tensor) -> anyhow::Result<[usize; 2]> {
    Ok([weight.spec().size(2)?, weight.spec().size(3)?])
}

impl Emit for Conv2d {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let operands: Vec<&Tensor> = inputs.iter().collect();
        let kernel = kernel(&inputs[1])?;
        let spec = e.output(0);
        let call = e
            .call("Conv", &operands)
            .ints("kernel_shape", sizes(kernel))
            .ints("strides", sizes(self.stride))
            .ints("pads", sizes(self.padding).chain(sizes(self.padding)))
            .ints("dilations", sizes(self.dilation))
            .int("group", self.groups as i64);
        Ok(vec![call.one(spec)])
    }
}

register_emit!(Conv2d);

impl Emit for ConvTranspose2d {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let operands: Vec<&Tensor> = inputs.iter().collect();
        let kernel = kernel(&inputs[1])?;
        let spec = e.output(0);
        let call = e
            .call("ConvTranspose", &operands)
            .ints("kernel_shape", sizes(kernel))
            .ints("strides", sizes(self.stride))
            .ints("pads", sizes(self.padding).chain(sizes(self.padding)))
            .ints("output_padding", sizes(self.output_padding))
            .ints("dilations", sizes(self.dilation));
        Ok(vec![call.one(spec)])
    }
}

register_emit!(ConvTranspose2d);
