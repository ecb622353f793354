//! `roi_align`: regions of a feature map resampled to one size.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one, rank, same_float};
use crate::made::{side, usual_but};

/// torchvision's `roi_align(features[n, c, h, w], rois[k, 5])` (He et al. 2017, Mask R-CNN, section 3):
/// every region is cut into `pooled_height` x `pooled_width` bins, and a bin is the mean of
/// bilinear samples on a regular grid. A region is `image, x1, y1, x2, y2`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoiAlign {
    /// Pixels of the feature map for one unit of the regions' coordinates.
    pub spatial_scale: f64,
    /// Bins from top to bottom.
    pub pooled_height: usize,
    /// Bins from left to right.
    pub pooled_width: usize,
    /// Samples along each side of a bin; 0 or less takes as many as the bin has pixels, rounded up.
    pub sampling_ratio: i64,
    /// Whether coordinates are shifted by half a pixel, and regions may be smaller than one.
    pub aligned: bool,
}

/// Operations of a bilinear sample: four multiply-adds.
const SAMPLE: u64 = 8;

impl Op for RoiAlign {
    fn name(&self) -> &'static str {
        "roi_align"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Roi
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.dynamic().reduction()
    }

    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        let [features, ..] = inputs else {
            return Vec::new();
        };
        let images = features.shape.dims().first().and_then(Dim::known);
        let regions = Values::Detections {
            side: side(features) / self.spatial_scale,
            images: images.and_then(|n| u32::try_from(n).ok()).unwrap_or(1),
        };
        usual_but(inputs, 1, regions)
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [features, rois] = ShapeError::arity(inputs)?;
        same_float(inputs)?;
        rank(features, "features", 4)?;
        rank(rois, "regions", 2)?;
        ensure(rois.shape.dims()[1] == Dim::Known(5), || {
            format!("regions must be an image and 4 coordinates, got {rois}")
        })?;
        ensure(self.pooled_height > 0 && self.pooled_width > 0, || {
            "the result must have bins".to_owned()
        })?;
        let dims = [
            rois.shape.dims()[0].clone(),
            features.shape.dims()[1].clone(),
            Dim::Known(self.pooled_height),
            Dim::Known(self.pooled_width),
        ];
        one(features.dtype, Shape::new(dims))
    }

    /// A bilinear sample is four multiply-adds; `sampling_ratio` squared of them and their mean make a
    /// bin (one where the ratio depends on the region).
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let ratio = u64::try_from(self.sampling_ratio).unwrap_or(0).max(1);
        let samples = ratio.saturating_mul(ratio);
        let bin = samples.saturating_mul(SAMPLE + 1);
        Cost::elementwise(bin, inputs, outputs)
    }
}

impl OpDef for RoiAlign {
    const NAMES: &'static [&'static str] = &["roi_align"];

    fn cases() -> Vec<OpCase> {
        let plain = RoiAlign {
            spatial_scale: 0.25,
            pooled_height: 3,
            pooled_width: 2,
            sampling_ratio: 2,
            aligned: false,
        };
        let case = |name, op: RoiAlign, k: usize| {
            let rois = Values::Boxes {
                side: 48.0,
                images: 2,
            };
            OpCase::new(name, op, [&[2, 3, 10, 9], &[k, 5]]).values(1, rois)
        };
        let adaptive = RoiAlign {
            sampling_ratio: 0,
            ..plain.clone()
        };
        let aligned = RoiAlign {
            aligned: true,
            ..plain.clone()
        };
        vec![
            case("plain", plain.clone(), 6),
            case("adaptive", adaptive, 5),
            case("aligned", aligned, 5),
            case("none", plain, 0),
        ]
    }
}

register_op!(RoiAlign);

/// Adds a [`RoiAlign`].
///
/// # Errors
/// When the shapes or types do not fit.
pub fn roi_align(
    g: &mut GraphBuilder,
    features: Value,
    rois: Value,
    op: RoiAlign,
) -> Result<Value, BuildError> {
    g.one(op, &[features, rois])
}
