//! Masks of boxes resized and placed in an image: a kernel of our own, on the host.

use candle_core::{DType, Device, Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::PasteMasks;
use rayon::prelude::*;

use crate::engine::Candle;
use crate::host::{self, Real, wide, with_elements};
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for PasteMasks {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[masks, boxes] = inputs else {
            anyhow::bail!("takes 2 inputs, got {}", inputs.len());
        };
        one(match wide(masks.dtype()) {
            DType::F64 => paste::<f64>(self, masks, boxes),
            _ => paste::<f32>(self, masks, boxes),
        })
    }
}

register_kernel!(PasteMasks);

fn paste<T: Real>(op: &PasteMasks, masks: &Tensor, boxes: &Tensor) -> Result<Tensor> {
    let (count, _, rows, columns) = masks.dims4()?;
    let boxes = host::integers(&boxes.to_device(&Device::Cpu)?)?;
    let image = op.height * op.width;
    let mut out = vec![T::zero(); count * image];
    let wide = masks.to_device(&Device::Cpu)?.to_dtype(T::DTYPE)?;
    with_elements(&wide, |masks: &[T]| {
        let sources = masks.par_chunks((rows * columns).max(1));
        let work = out.par_chunks_mut(image.max(1)).zip(sources);
        work.zip(boxes.par_chunks(4)).for_each(|((out, mask), b)| {
            let across = Span::new([b[0], b[2]], columns, op.width);
            let down = Span::new([b[1], b[3]], rows, op.height);
            for (y, v) in down.pixels {
                for &(x, u) in &across.pixels {
                    out[y * op.width + x] = blend(mask, columns, v, u);
                }
            }
        });
    })?;
    let shape = (count, 1, op.height, op.width);
    Tensor::from_vec(out, shape, masks.device())?.to_dtype(masks.dtype())
}

/// Two neighbouring elements and how much the second one weighs.
#[derive(Clone, Copy)]
struct Between<T> {
    first: usize,
    second: usize,
    weight: T,
}

/// The pixels of the image that a box covers in one direction, and what each reads of the mask.
struct Span<T> {
    pixels: Vec<(usize, Between<T>)>,
}

impl<T: Real> Span<T> {
    /// The box includes its last pixel; the edges of the mask are the edges of the box.
    fn new([start, end]: [i64; 2], mask: usize, image: usize) -> Self {
        let length = end.saturating_sub(start).saturating_add(1).max(1);
        let scale = T::of(mask) / T::from_f64(length as f64);
        let inside = start.max(0)..end.saturating_add(1).min(image as i64);
        let pixels = inside.take_while(|&at| at - start < length).map(|at| {
            let half = T::from_f64(0.5);
            let position = scale * (T::from_f64((at - start) as f64) + half) - half;
            let position = if position < T::zero() {
                T::zero()
            } else {
                position
            };
            let first = (position.to_f64() as usize).min(mask - 1);
            let between = Between {
                first,
                second: (first + 1).min(mask - 1),
                weight: position - T::of(first),
            };
            (at as usize, between)
        });
        Span {
            pixels: pixels.collect(),
        }
    }
}

fn blend<T: Real>(mask: &[T], columns: usize, v: Between<T>, u: Between<T>) -> T {
    let row = |y: usize| {
        let (left, right) = (mask[y * columns + u.first], mask[y * columns + u.second]);
        (T::one() - u.weight) * left + u.weight * right
    };
    (T::one() - v.weight) * row(v.first) + v.weight * row(v.second)
}
