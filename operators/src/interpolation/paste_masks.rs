//! `paste_masks_in_image`: masks of boxes resized and placed in an image.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, float, one, rank, same_dim};

/// The last step of torchvision's Mask R-CNN: `masks[n, 1, m, m]` and whole-numbered corners
/// `boxes[n, 4]` (`x1, y1, x2, y2`, the last pixel included) to one image-sized mask each,
/// `[n, 1, height, width]`, zero outside the box.
///
/// The reference loops over the detections in Python: some forty calls each, of which how many and of
/// which sizes only the boxes decide. A static graph cannot hold them, so it has one node for the loop. On
/// libtorch that node makes the same calls, and a test counts them; its time is that of the whole loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasteMasks {
    /// Height of the image in pixels.
    pub height: usize,
    /// Width of the image in pixels.
    pub width: usize,
}

impl Op for PasteMasks {
    fn name(&self) -> &'static str {
        "paste_masks_in_image"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Interpolation
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.dynamic().reduction()
    }

    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        let boxes = Values::Detections {
            side: self.height.min(self.width) as f64 - 1.0,
            images: 1,
        };
        let values = [Values::Range(0.0, 1.0), boxes];
        values.into_iter().take(inputs.len()).collect()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [masks, boxes] = ShapeError::arity(inputs)?;
        float(masks)?;
        rank(masks, "masks", 4)?;
        rank(boxes, "boxes", 2)?;
        let dims = masks.shape.dims();
        let fits = dims[1] == Dim::Known(1)
            && dims[2..].iter().all(|d| *d != Dim::Known(0))
            && boxes.dtype == DType::I64
            && boxes.shape.dims()[1] == Dim::Known(4);
        ensure(fits, || {
            format!("takes masks [n, 1, m, m] and i64 boxes [n, 4], got {masks} and {boxes}")
        })?;
        same_dim(
            "numbers of masks and boxes",
            &dims[0],
            &boxes.shape.dims()[0],
        )?;
        let dims = [
            dims[0].clone(),
            Dim::Known(1),
            Dim::Known(self.height),
            Dim::Known(self.width),
        ];
        one(masks.dtype, Shape::new(dims))
    }

    /// An upper bound, reached by boxes as large as the image: four multiply-adds for each element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(8, inputs, outputs)
    }
}

impl OpDef for PasteMasks {
    const NAMES: &'static [&'static str] = &["paste_masks_in_image"];

    fn cases() -> Vec<OpCase> {
        let case = |name, n: usize, side| {
            let op = PasteMasks {
                height: 20,
                width: 24,
            };
            let boxes = Values::Boxes { side, images: 1 };
            OpCase::new(name, op, [&[n, 1, 6, 6], &[n, 4]]).input(1, DType::I64, &[n, 4], boxes)
        };
        vec![
            case("inside", 4, 20.0),
            case("cut", 4, 28.0),
            case("none", 0, 20.0),
        ]
    }
}

register_op!(PasteMasks);

/// Adds a [`PasteMasks`].
///
/// # Errors
/// When shapes or types do not fit.
pub fn paste_masks(
    g: &mut GraphBuilder,
    masks: Value,
    boxes: Value,
    [height, width]: [usize; 2],
) -> Result<Value, BuildError> {
    g.one(PasteMasks { height, width }, &[masks, boxes])
}
