//! `upsample_bilinear2d` and `upsample_nearest2d`: images resized.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, float, one, rank};

/// Which filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpsampleKind {
    /// A triangle of two pixels in each direction; not widened where the image shrinks.
    Bilinear,
    /// The pixel at `floor(position * old / new)`.
    Nearest,
}

/// Resizes `x[n, c, h, w]` to `x[n, c, output_size]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upsample {
    /// Which one.
    pub kind: UpsampleKind,
    /// Height and width of the result.
    pub output_size: [usize; 2],
    /// Whether the centres of the corner pixels stay where they are (bilinear only); otherwise the
    /// edges of the corner pixels do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub align_corners: bool,
}

impl Op for Upsample {
    fn name(&self) -> &'static str {
        match self.kind {
            UpsampleKind::Bilinear => "upsample_bilinear2d",
            UpsampleKind::Nearest => "upsample_nearest2d",
        }
    }

    fn group(&self) -> OpGroup {
        OpGroup::Interpolation
    }

    fn traits(&self) -> OpTraits {
        let traits = OpTraits::NONE.single_operand();
        match self.kind {
            UpsampleKind::Bilinear => traits.reduction(),
            UpsampleKind::Nearest => traits,
        }
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        float(x)?;
        rank(x, "input", 4)?;
        let nearest = self.kind == UpsampleKind::Nearest;
        ensure(!(nearest && self.align_corners), || {
            "only bilinear filters align corners".to_owned()
        })?;
        ensure(
            self.output_size.iter().all(|&size| size > 0)
                && x.shape.dims()[1..].iter().all(|d| *d != Dim::Known(0)),
            || format!("neither {x} nor the result may be empty"),
        )?;
        let mut shape = x.shape.clone();
        for (dim, &size) in shape.dims_mut()[2..].iter_mut().zip(&self.output_size) {
            *dim = Dim::Known(size);
        }
        one(x.dtype, shape)
    }

    /// Four multiply-adds for each bilinear element, none for a nearest one.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let per_element = match self.kind {
            UpsampleKind::Bilinear => 8,
            UpsampleKind::Nearest => 0,
        };
        Cost::elementwise(per_element, inputs, outputs)
    }
}

impl OpDef for Upsample {
    const NAMES: &'static [&'static str] = &["upsample_bilinear2d", "upsample_nearest2d"];

    fn cases() -> Vec<OpCase> {
        let case = |name, kind, output_size, align_corners| {
            let op = Upsample {
                kind,
                output_size,
                align_corners,
            };
            OpCase::new(name, op, [&[2, 3, 5, 4]])
        };
        let (bilinear, nearest) = (UpsampleKind::Bilinear, UpsampleKind::Nearest);
        vec![
            case("larger", bilinear, [8, 9], false),
            case("smaller", bilinear, [3, 3], false),
            case("corners", bilinear, [7, 8], true),
            case("one", bilinear, [1, 1], true),
            case("larger", nearest, [11, 8], false),
            case("smaller", nearest, [3, 3], false),
        ]
    }
}

register_op!(Upsample);

/// Adds a bilinear [`Upsample`] that does not align corners.
///
/// # Errors
/// When the input is no floating-point image or a size is 0.
pub fn upsample_bilinear2d(
    g: &mut GraphBuilder,
    x: Value,
    output_size: [usize; 2],
) -> Result<Value, BuildError> {
    let op = Upsample {
        kind: UpsampleKind::Bilinear,
        output_size,
        align_corners: false,
    };
    g.one(op, &[x])
}

/// Adds a nearest-neighbour [`Upsample`].
///
/// # Errors
/// When the input is no floating-point image or a size is 0.
pub fn upsample_nearest2d(
    g: &mut GraphBuilder,
    x: Value,
    output_size: [usize; 2],
) -> Result<Value, BuildError> {
    let op = Upsample {
        kind: UpsampleKind::Nearest,
        output_size,
        align_corners: false,
    };
    g.one(op, &[x])
}
