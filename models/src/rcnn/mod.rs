//! Faster R-CNN (Ren et al. 2015) and Mask R-CNN (He et al. 2017) on feature pyramids (Lin et al.
//! 2017), as torchvision has them: complete, from photographs to boxes and masks in their pixels.
//!
//! How many boxes there are, only the data decide: those sizes are symbols in the graph, and the
//! sizes really seen are recorded when it runs. Everything else follows from the size of the image.
//!
//! # Synthetic weights
//!
//! With weights that are random in every layer, all boxes would be as large as the image, nearly all of
//! them would be suppressed, and the time spent on regions would say nothing. The four layers that decide
//! it therefore start in a way of their own (`layers::Start`; see `rpn.rs` and `heads.rs`): non-maximum
//! suppression sees thousands of candidates of all sizes and keeps the published thousand; a few thousand
//! pairs of box and class pass the threshold, and the published hundred remain, which the mask head gets.

mod anchors;
mod boxes;
mod fpn;
mod heads;
mod masks;
mod nms;
mod pooling;
mod rpn;
mod sizes;
mod transform;

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig, Preprocessor, Provenance};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_datasets::DETECTION_UNIT;
use nongemm_operators as ops;

use crate::resnet::{Norm, body};
use crate::settings;
use sizes::{PUBLISHED, Sizes};

/// A published detector of torchvision: ResNet-50 with a feature pyramid.
///
/// Input `pixel_values[batch, 3, height, width]`, values from 0 to 1. For each image `i` outputs
/// `boxes.i[n, 4]` (`x1, y1, x2, y2` in pixels of the input), `scores.i[n]`, `labels.i[n]` and, of Mask
/// R-CNN, `masks.i[n, 1, height, width]`.
#[derive(Clone, Copy, Debug)]
pub struct Rcnn {
    id: &'static str,
    checkpoint: &'static str,
    reference: &'static str,
    /// Whether masks are predicted.
    masks: bool,
    sizes: Sizes,
}

/// 41.8 million parameters.
pub static FASTER_RCNN: Rcnn = Rcnn {
    id: "faster-rcnn",
    checkpoint: "torchvision fasterrcnn_resnet50_fpn COCO_V1",
    reference: "torchvision 0.26.0 fasterrcnn_resnet50_fpn",
    masks: false,
    sizes: PUBLISHED,
};

/// 44.4 million parameters.
pub static MASK_RCNN: Rcnn = Rcnn {
    id: "mask-rcnn",
    checkpoint: "torchvision maskrcnn_resnet50_fpn COCO_V1",
    reference: "torchvision 0.26.0 maskrcnn_resnet50_fpn",
    masks: true,
    sizes: PUBLISHED,
};

register!(dyn Model, &FASTER_RCNN);
register!(dyn Model, &MASK_RCNN);

/// The epsilon that torchvision gives the frozen normalizations of its published weights.
const FROZEN_EPS: f64 = 0.0;

impl Model for Rcnn {
    fn id(&self) -> &'static str {
        self.id
    }

    fn domain(&self) -> Domain {
        Domain::ObjectDetection
    }

    fn provenance(&self) -> Provenance {
        Provenance {
            checkpoint: self.checkpoint,
            reference: self.reference,
        }
    }

    fn sizes(&self) -> DefaultSizes {
        DefaultSizes::image(800)
    }

    fn build(&self, g: &mut GraphBuilder, config: &ModelConfig) -> Result<(), BuildError> {
        let sizes = Sizes::read(&config.settings, self.sizes)?;
        let original = sizes.original(&config.settings, settings::image(config)?)?;
        let batch = settings::images(config)?;
        let shape = [batch, 3, original[0], original[1]];
        let pixels = g.input("pixel_values", TensorSpec::new(g.dtype(), shape))?;
        let photographs = ops::unbind(g, pixels, 0)?;
        let images = g.scope("transform", |g| transform::build(g, &sizes, &photographs))?;
        let pyramid = g.scope("backbone", |g| {
            let features = g.scope("body", |g| {
                body(g, images.pixels, sizes.stages, Norm::Frozen(FROZEN_EPS))
            })?;
            g.scope("fpn", |g| fpn::build(g, features, sizes.channels))
        })?;
        let proposals = g.scope("rpn", |g| rpn::build(g, &sizes, &pyramid, &images))?;
        let pyramid = &pyramid[..pyramid.len() - 1];
        let found = g.scope("roi_heads", |g| {
            let pooled = pooling::Pyramid::new(pyramid, images.size);
            let mut found = heads::build(g, &sizes, &pooled, &proposals, images.size)?;
            if self.masks {
                masks::build(g, &sizes, &pooled, &mut found)?;
            }
            Ok::<_, BuildError>(found)
        })?;
        for (i, detections) in found.into_iter().enumerate() {
            outputs(g, i, detections, images.size, original)?;
        }
        Ok(())
    }

    fn preprocessor(&self) -> Box<dyn Preprocessor> {
        Box::new(DETECTION_UNIT)
    }
}

/// What was found in one image.
struct Detections {
    boxes: Value,
    scores: Value,
    labels: Value,
    masks: Option<Value>,
}

/// Boxes and masks in pixels of the photograph.
fn outputs(
    g: &mut GraphBuilder,
    image: usize,
    found: Detections,
    size: [usize; 2],
    original: [usize; 2],
) -> Result<(), BuildError> {
    let boxes = boxes::rescale(g, found.boxes, size, original)?;
    g.output(&format!("boxes.{image}"), boxes);
    g.output(&format!("labels.{image}"), found.labels);
    g.output(&format!("scores.{image}"), found.scores);
    if let Some(probabilities) = found.masks {
        let masks = masks::paste(g, probabilities, boxes, original)?;
        g.output(&format!("masks.{image}"), masks);
    }
    Ok(())
}
