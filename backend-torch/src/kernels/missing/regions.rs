//! Regions of interest and masks.

use super::made;
use crate::ffi;

/// Indices of the boxes that are kept.
pub(in crate::kernels) fn nms(
    boxes: &tch::Tensor,
    scores: &tch::Tensor,
    threshold: f64,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: the tensors live through the call.
    made(|out| unsafe { ffi::nongemm_nms(boxes.as_ptr(), scores.as_ptr(), threshold, out) })
}

/// How regions are pooled.
pub(in crate::kernels) struct Pooling {
    pub(in crate::kernels) scale: f64,
    pub(in crate::kernels) height: i64,
    pub(in crate::kernels) width: i64,
    pub(in crate::kernels) ratio: i64,
    pub(in crate::kernels) aligned: bool,
}

pub(in crate::kernels) fn roi_align(
    features: &tch::Tensor,
    regions: &tch::Tensor,
    pooling: &Pooling,
) -> anyhow::Result<tch::Tensor> {
    let Pooling {
        scale,
        height,
        width,
        ratio,
        aligned,
    } = *pooling;
    let (features, regions) = (features.as_ptr(), regions.as_ptr());
    // SAFETY: the tensors live through the call.
    made(|out| unsafe {
        ffi::nongemm_roi_align(features, regions, scale, height, width, ratio, aligned, out)
    })
}

pub(in crate::kernels) fn paste_masks(
    masks: &tch::Tensor,
    boxes: &tch::Tensor,
    height: i64,
    width: i64,
) -> anyhow::Result<tch::Tensor> {
    let (masks, boxes) = (masks.as_ptr(), boxes.as_ptr());
    // SAFETY: the tensors live through the call.
    made(|out| unsafe { ffi::nongemm_paste_masks(masks, boxes, height, width, out) })
}
