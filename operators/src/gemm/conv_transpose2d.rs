//! `conv_transpose2d`: transposed convolution over images.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{arity, ensure, invalid, one, rank, same_float, vector};

/// `conv_transpose2d(x, weight, bias?)` with `x[n, in, h, w]`, `weight[in, out, kh, kw]`,
/// `bias[out]`: every input pixel adds a multiple of the kernel to the result. Pairs are height, width.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvTranspose2d {
    /// Distance of the kernels of neighbouring pixels.
    pub stride: [usize; 2],
    /// What is cut off on both sides.
    pub padding: [usize; 2],
    /// What is added at the bottom and on the right.
    pub output_padding: [usize; 2],
    /// Distance of the kernel's elements.
    pub dilation: [usize; 2],
}

impl ConvTranspose2d {
    /// `(size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1`, if there is any.
    fn grown(&self, axis: usize, size: usize, kernel: usize) -> Option<usize> {
        let spread = size.checked_sub(1)?.checked_mul(self.stride[axis])?;
        let extent = kernel.checked_sub(1)?.checked_mul(self.dilation[axis])?;
        let all = spread
            .checked_add(extent)?
            .checked_add(self.output_padding[axis])?
            .checked_add(1)?;
        all.checked_sub(self.padding[axis].checked_mul(2)?)
            .filter(|&size| size > 0)
    }
}

impl Op for ConvTranspose2d {
    fn name(&self) -> &'static str {
        "conv_transpose2d"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Gemm
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let (x, weight, bias) = match inputs {
            [x, weight] => (x, weight, None),
            [x, weight, bias] => (x, weight, Some(bias)),
            _ => return Err(arity("2 or 3", inputs)),
        };
        same_float(inputs)?;
        rank(x, "input", 4)?;
        rank(weight, "weight", 4)?;
        let (channels, depth) = (x.size(1)?, weight.size(0)?);
        ensure(channels == depth, || {
            format!("input has {channels} channels, weight takes {depth}")
        })?;
        let out = weight.shape.dims()[1].clone();
        if let Some(bias) = bias {
            vector(bias, "bias", &out)?;
        }
        let mut shape = vec![x.shape.dims()[0].clone(), out];
        for i in 0..2 {
            let axis = i as i64 + 2;
            ensure(
                self.stride[i] > 0
                    && self.dilation[i] > 0
                    && self.output_padding[i] < self.stride[i],
                || {
                    "stride and dilation must be at least 1, output_padding below the stride"
                        .to_owned()
                },
            )?;
            let size = self.grown(i, x.size(axis)?, weight.size(axis)?);
            shape.push(Dim::Known(size.ok_or_else(|| {
                invalid(format!("nothing is left of {x} with kernel {weight}"))
            })?));
        }
        one(x.dtype, Shape::new(shape))
    }

    /// `2 out kh kw` for each element of the input; the bias starts the sums.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let [x, weight, ..] = inputs else {
            return Cost::streaming(0, inputs, outputs);
        };
        let depth = weight.size(0).unwrap_or(1).max(1) as u64;
        let kernel = weight.elements() / depth;
        let flops = x.elements().saturating_mul(kernel).saturating_mul(2);
        Cost::streaming(flops, inputs, outputs)
    }
}

impl OpDef for ConvTranspose2d {
    const NAMES: &'static [&'static str] = &["conv_transpose2d"];

    fn cases() -> Vec<OpCase> {
        let op = |stride, padding, output_padding, dilation| ConvTranspose2d {
            stride: [stride; 2],
            padding: [padding; 2],
            output_padding: [output_padding; 2],
            dilation: [dilation; 2],
        };
        vec![
            OpCase::new(
                "double",
                op(2, 0, 0, 1),
                [&[2, 3, 4, 5], &[3, 2, 2, 2], &[2]],
            ),
            OpCase::new("overlap", op(2, 1, 1, 1), [&[1, 3, 4, 4], &[3, 4, 3, 3]]),
            OpCase::new(
                "dilated",
                op(1, 1, 0, 2),
                [&[1, 2, 5, 4], &[2, 3, 3, 3], &[3]],
            ),
        ]
    }
}

register_op!(ConvTranspose2d);

/// Adds a [`ConvTranspose2d`].
///
/// # Errors
/// When shapes or types do not fit.
pub fn conv_transpose2d(
    g: &mut GraphBuilder,
    x: Value,
    weight: Value,
    bias: Option<Value>,
    op: ConvTranspose2d,
) -> Result<Value, BuildError> {
    let inputs: Vec<Value> = [x, weight].into_iter().chain(bias).collect();
    g.one(op, &inputs)
}
