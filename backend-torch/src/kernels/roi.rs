//! Regions of interest: torchvision's operators, of which libtorch has none; on the host only.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Nms, RoiAlign};

use super::missing::{self, Pooling};
use super::{shim, wrong_inputs};
use crate::engine::{Tensor, Torch};
use crate::register_kernel;

impl Eval<Torch> for Nms {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[boxes, scores] = inputs else {
            return wrong_inputs("boxes and scores", inputs);
        };
        shim(missing::nms(boxes, scores, self.iou_threshold))
    }
}

register_kernel!(Nms);

impl Eval<Torch> for RoiAlign {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[features, regions] = inputs else {
            return wrong_inputs("features and regions", inputs);
        };
        let pooling = Pooling {
            scale: self.spatial_scale,
            height: self.pooled_height as i64,
            width: self.pooled_width as i64,
            ratio: self.sampling_ratio,
            aligned: self.aligned,
        };
        shim(missing::roi_align(features, regions, &pooling))
    }
}

register_kernel!(RoiAlign);
