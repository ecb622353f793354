//! `nms`: non-maximum suppression.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one, rank, same_float, vector};

/// torchvision's `nms(boxes[n, 4], scores[n])`: the indices of the boxes that are kept, by falling
/// score. A box is dropped when the area that it shares with a kept one of higher score, divided by
/// the area of their union, exceeds the threshold. Boxes are `x1, y1, x2, y2`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nms {
    /// Largest overlap of two kept boxes, from 0 to 1.
    pub iou_threshold: f64,
}

/// Operations to compare two boxes: four corners of the intersection, two sides and their cut at
/// zero, the two areas' products and sums, a quotient and a comparison.
const PAIR: u64 = 13;

impl Op for Nms {
    fn name(&self) -> &'static str {
        "nms"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Roi
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.non_linear().dynamic()
    }

    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        // Boxes of a photograph, and probabilities.
        let boxes = Values::Detections {
            side: 800.0,
            images: 1,
        };
        let values = [boxes, Values::Range(0.0, 1.0)];
        values.into_iter().take(inputs.len()).collect()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [boxes, scores] = ShapeError::arity(inputs)?;
        same_float(inputs)?;
        rank(boxes, "boxes", 2)?;
        ensure(boxes.shape.dims()[1] == Dim::Known(4), || {
            format!("boxes must have 4 coordinates, got {boxes}")
        })?;
        vector(scores, "scores", &boxes.shape.dims()[0])?;
        one(DType::I64, Shape::new([Dim::symbol("nms")]))
    }

    /// An upper bound, reached when no box is dropped: every pair is compared.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let n = inputs.get(1).map_or(0, TensorSpec::elements);
        let pairs = n.saturating_mul(n.saturating_sub(1)) / 2;
        Cost::streaming(pairs.saturating_mul(PAIR), inputs, outputs)
    }
}

impl OpDef for Nms {
    const NAMES: &'static [&'static str] = &["nms"];

    fn cases() -> Vec<OpCase> {
        let case = |name, iou_threshold, n: usize, side| {
            OpCase::new(name, Nms { iou_threshold }, [&[n, 4], &[n]])
                .values(0, Values::Boxes { side, images: 1 })
        };
        vec![
            case("crowded", 0.5, 200, 40.0),
            case("few-kept", 0.1, 64, 20.0),
            case("none", 0.5, 0, 1.0),
        ]
    }
}

register_op!(Nms);

/// Adds an [`Nms`].
///
/// # Errors
/// When the shapes or types do not fit.
pub fn nms(
    g: &mut GraphBuilder,
    boxes: Value,
    scores: Value,
    iou_threshold: f64,
) -> Result<Value, BuildError> {
    g.one(Nms { iou_threshold }, &[boxes, scores])
}
