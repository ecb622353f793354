//! Resizing: `upsample_bilinear2d`, `upsample_nearest2d` and `paste_masks_in_image`.

use nongemm_core::dtype::DType;
use nongemm_core::shape::{Dim, Shape, TensorSpec};
use nongemm_core::tensor::HostData;
use nongemm_operators::{PasteMasks, Upsample, UpsampleKind};

use super::{Emit, Emitter, Range, Tensor};
use crate::register_emit;

impl Emit for Upsample {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        let [height, width] = self.output_size.map(|size| size as i64);
        let front = e.sizes(x, 0, 2);
        let sizes = match Shape::new(x.shape().dims()[..2].iter().cloned()).known() {
            Some(front) => e.ints(&[front[0] as i64, front[1] as i64, height, width]),
            None => {
                let image = e.ints(&[height, width]);
                e.join_sizes(&[&front, &image])
            }
        };
        let spec = e.output(0);
        let none = Tensor::none();
        let call = e.call("Resize", &[x, &none, &none, &sizes]);
        let call = match self.kind {
            UpsampleKind::Bilinear => call.text("mode", "linear").text(
                "coordinate_transformation_mode",
                if self.align_corners {
                    "align_corners"
                } else {
                    "half_pixel"
                },
            ),
            UpsampleKind::Nearest => call
                .text("mode", "nearest")
                .text("nearest_mode", "floor")
                .text("coordinate_transformation_mode", "asymmetric"),
        };
        Ok(vec![call.one(spec)])
    }
}

register_emit!(Upsample);

/// Two matrices for each mask, of the weights with which its rows and columns make those of the image. A
/// weight falls from 1 to 0 over a distance of one element; it is 0 outside the box.
impl Emit for PasteMasks {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let masks = e.cast(&inputs[0], DType::F32);
        let (rows, columns) = (masks.spec().size(2)?, masks.spec().size(3)?);
        let boxes = e.cast(&inputs[1], DType::F32);
        let down = weights(e, &boxes, [1, 3], rows, self.height, false)?;
        let across = weights(e, &boxes, [0, 2], columns, self.width, true)?;
        let mut spec = e.output(0);
        let dtype = std::mem::replace(&mut spec.dtype, DType::F32);
        let mut tall = spec.clone();
        tall.shape.dims_mut()[3] = Dim::Known(columns);
        let tall = e.call("MatMul", &[&down, &masks]).one(tall);
        let pasted = e.call("MatMul", &[&tall, &across]).one(spec);
        Ok(vec![e.cast(&pasted, dtype)])
    }
}

register_emit!(PasteMasks);

/// For each box `[n, 1, image, mask]`, or with the last two swapped.
fn weights(
    e: &mut Emitter,
    boxes: &Tensor,
    sides: [i64; 2],
    mask: usize,
    image: usize,
    swapped: bool,
) -> anyhow::Result<Tensor> {
    let count = boxes.shape().dims()[0].clone();
    let corner = |e: &mut Emitter, column| {
        let side = e.slice(boxes, 1, Range::new(column, column + 1), Dim::Known(1));
        let shape = Shape::new([count.clone(), 1.into(), 1.into(), 1.into()]);
        e.reshape(&side, &shape)
    };
    let (start, end) = (corner(e, sides[0])?, corner(e, sides[1])?);
    let numbers = |e: &mut Emitter, count: usize, last: bool| {
        let data = HostData::F32((0..count).map(|i| i as f32).collect());
        let shape = if last {
            [1, 1, 1, count]
        } else {
            [1, 1, count, 1]
        };
        e.elements(&shape, data)
    };
    let at = numbers(e, image, swapped)?;
    let element = numbers(e, mask, !swapped)?;
    let [zero, half, one] = [0.0, 0.5, 1.0];
    let number = |e: &mut Emitter, value| e.number(value, DType::F32);
    let (zero, half, one) = (number(e, zero)?, number(e, half)?, number(e, one)?);
    let (size, last) = (number(e, mask as f64)?, number(e, mask as f64 - 1.0)?);

    // The box includes its last pixel.
    let length = e.zip("Sub", &end, &start)?;
    let length = e.zip("Add", &length, &one)?;
    let length = e.zip("Max", &length, &one)?;
    let scale = e.zip("Div", &size, &length)?;
    let offset = e.zip("Sub", &at, &start)?;
    let position = e.zip("Add", &offset, &half)?;
    let position = e.zip("Mul", &position, &scale)?;
    let position = e.zip("Sub", &position, &half)?;
    let call = e.call("Clip", &[&position, &zero, &last]);
    let position = call.one(position.spec().clone());

    let distance = e.zip("Sub", &position, &element)?;
    let distance = e.map("Abs", &distance);
    let weight = e.zip("Sub", &one, &distance)?;
    let weight = e.map("Relu", &weight);

    let below = |e: &mut Emitter, op: &str, a: &Tensor, b: &Tensor| {
        let shape = a.shape().broadcast(b.shape())?;
        anyhow::Ok(e.call(op, &[a, b]).one(TensorSpec::new(DType::Bool, shape)))
    };
    let after = below(e, "GreaterOrEqual", &offset, &zero)?;
    let before = below(e, "Less", &offset, &length)?;
    // Where the corners are swapped, nothing is pasted.
    let inside = below(e, "LessOrEqual", &at, &end)?;
    let inside = e.zip("And", &inside, &before)?;
    let inside = e.zip("And", &inside, &after)?;
    e.choose(&inside, &weight, &zero)
}
