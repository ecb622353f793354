//! Resizing.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{PasteMasks, Upsample, UpsampleKind};

use super::{missing, pair, shim, wrong_inputs};
use crate::engine::{Tensor, Torch};
use crate::register_kernel;

impl Eval<Torch> for Upsample {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let bilinear = self.kind == UpsampleKind::Bilinear;
        let size = pair(self.output_size);
        shim(missing::upsample(
            inputs[0],
            bilinear,
            self.align_corners,
            size,
        ))
    }
}

register_kernel!(Upsample);

/// The reference's loop over the detections, in one kernel.
impl Eval<Torch> for PasteMasks {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[masks, boxes] = inputs else {
            return wrong_inputs("masks and boxes", inputs);
        };
        let [height, width] = pair([self.height, self.width]);
        shim(missing::paste_masks(masks, boxes, height, width))
    }
}

register_kernel!(PasteMasks);
