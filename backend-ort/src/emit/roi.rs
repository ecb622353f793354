//! `nms` and `roi_align`.

use nongemm_core::dtype::DType;
use nongemm_core::shape::{Dim, Shape, TensorSpec};
use nongemm_core::tensor::HostData;
use nongemm_operators::{Nms, RoiAlign};

use super::{Emit, Emitter, Range, Tensor};
use crate::register_emit;

/// One batch with one class and no limit; the result's columns are batch, class and box.
impl Emit for Nms {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let boxes = e.cast(&inputs[0], DType::F32);
        let scores = e.cast(&inputs[1], DType::F32);
        let boxes = e.unsqueeze(&boxes, 0);
        let scores = e.unsqueeze(&scores, 0);
        let scores = e.unsqueeze(&scores, 0);
        let most = e.ints(&[i64::from(i32::MAX)]);
        let threshold = e.elements(&[1], HostData::F32(vec![self.iou_threshold as f32]))?;
        let kept = e.output(0);
        let rows = Shape::new([kept.shape.dims()[0].clone(), Dim::Known(3)]);
        let call = e.call("NonMaxSuppression", &[&boxes, &scores, &most, &threshold]);
        let rows = call.one(TensorSpec::new(DType::I64, rows));
        Ok(vec![e.pick(&rows, 1, 2)?])
    }
}

register_emit!(Nms);

impl Emit for RoiAlign {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let (features, rois) = (&inputs[0], &inputs[1]);
        let image = e.pick(rois, 1, 0)?;
        let image = e.cast(&image, DType::I64);
        let corners = e.slice(rois, 1, Range::new(1, 5), Dim::Known(4));
        let mode = if self.aligned {
            "half_pixel"
        } else {
            "output_half_pixel"
        };
        let spec = e.output(0);
        let call = e
            .call("RoiAlign", &[features, &corners, &image])
            .text("coordinate_transformation_mode", mode)
            .text("mode", "avg")
            .int("output_height", self.pooled_height as i64)
            .int("output_width", self.pooled_width as i64)
            .int("sampling_ratio", self.sampling_ratio.max(0))
            .float("spatial_scale", self.spatial_scale);
        Ok(vec![call.one(spec)])
    }
}

register_emit!(RoiAlign);
