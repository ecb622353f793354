//! Regions of a feature map resampled to one size.

use candle_core::{DType, Device, Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::RoiAlign;
use rayon::prelude::*;

use crate::engine::Candle;
use crate::host::{Real, wide, with_elements};
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for RoiAlign {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[features, rois] = inputs else {
            anyhow::bail!("takes 2 inputs, got {}", inputs.len());
        };
        one(match wide(features.dtype()) {
            DType::F64 => align::<f64>(self, features, rois),
            _ => align::<f32>(self, features, rois),
        })
    }
}

register_kernel!(RoiAlign);

fn align<T: Real>(op: &RoiAlign, features: &Tensor, rois: &Tensor) -> Result<Tensor> {
    let (images, channels, height, width) = features.dims4()?;
    let count = rois.dim(0)?;
    let cpu = |x: &Tensor| x.to_device(&Device::Cpu)?.to_dtype(T::DTYPE);
    let plane = height * width;
    let bins = op.pooled_height * op.pooled_width;
    let mut out = vec![T::zero(); count * channels * bins];
    let result = with_elements(&cpu(rois)?, |rois: &[T]| {
        with_elements(&cpu(features)?, |features: &[T]| {
            let work = out.par_chunks_mut((channels * bins).max(1));
            work.zip(rois.par_chunks(5)).try_for_each(|(out, roi)| {
                let image = roi[0].to_f64();
                if !(0.0..images as f64).contains(&image) {
                    candle_core::bail!("region of image {image} of {images}");
                }
                let grid = Grid::new(op, roi, [height, width]);
                let start = image as usize * channels * plane;
                let planes = features[start..].chunks_exact(plane.max(1));
                for (out, plane) in out.chunks_exact_mut(bins).zip(planes) {
                    grid.pool(plane, out);
                }
                Ok(())
            })
        })?
    })?;
    result?;
    Tensor::from_vec(
        out,
        (count, channels, op.pooled_height, op.pooled_width),
        features.device(),
    )?
    .to_dtype(features.dtype())
}

/// Where one sample reads a plane, and with which weights: the four pixels around it.
struct Sample<T> {
    at: [usize; 4],
    weight: [T; 4],
}

/// The samples of a region, bin after bin: the same for all channels.
struct Grid<T> {
    samples: Vec<Sample<T>>,
    /// Samples of a bin.
    per_bin: usize,
    /// What a bin's sum is divided by.
    count: T,
}

impl<T: Real> Grid<T> {
    fn new(op: &RoiAlign, roi: &[T], [height, width]: [usize; 2]) -> Self {
        let across = Axis::new(op, [roi[1], roi[3]], op.pooled_width);
        let down = Axis::new(op, [roi[2], roi[4]], op.pooled_height);
        let per_bin = down.samples * across.samples;
        let mut samples = Vec::with_capacity(per_bin * op.pooled_height * op.pooled_width);
        for by in 0..op.pooled_height {
            for bx in 0..op.pooled_width {
                for sy in 0..down.samples {
                    for sx in 0..across.samples {
                        let at = [down.position(by, sy), across.position(bx, sx)];
                        samples.push(sample(at, height, width));
                    }
                }
            }
        }
        Grid {
            samples,
            per_bin,
            count: T::of(per_bin.max(1)),
        }
    }

    fn pool(&self, plane: &[T], out: &mut [T]) {
        if self.per_bin == 0 {
            return;
        }
        for (out, samples) in out.iter_mut().zip(self.samples.chunks_exact(self.per_bin)) {
            let mut sum = T::zero();
            for Sample { at, weight } in samples {
                let pixel = |i: usize| weight[i] * plane[at[i]];
                sum += pixel(0) + pixel(1) + pixel(2) + pixel(3);
            }
            *out = sum / self.count;
        }
    }
}

/// One direction of a region.
struct Axis<T> {
    start: T,
    /// Length of a bin.
    bin: T,
    /// Samples of a bin.
    samples: usize,
}

impl<T: Real> Axis<T> {
    fn new(op: &RoiAlign, [start, end]: [T; 2], bins: usize) -> Self {
        let scale = T::from_f64(op.spatial_scale);
        let offset = T::from_f64(if op.aligned { 0.5 } else { 0.0 });
        let (start, end) = (start * scale - offset, end * scale - offset);
        let mut length = end - start;
        if !op.aligned && length < T::one() {
            length = T::one();
        }
        let bin = length / T::of(bins);
        let samples = match usize::try_from(op.sampling_ratio) {
            Ok(ratio) if ratio > 0 => ratio,
            _ => bin.ceil().to_f64().max(0.0) as usize,
        };
        Axis {
            start,
            bin,
            samples,
        }
    }

    fn position(&self, bin: usize, sample: usize) -> T {
        let inside = (T::of(sample) + T::from_f64(0.5)) * self.bin / T::of(self.samples);
        self.start + T::of(bin) * self.bin + inside
    }
}

/// A bilinear sample; nothing more than a pixel outside the plane.
fn sample<T: Real>([y, x]: [T; 2], height: usize, width: usize) -> Sample<T> {
    let outside = |at: T, size: usize| at < -T::one() || at > T::of(size);
    if outside(y, height) || outside(x, width) {
        return Sample {
            at: [0; 4],
            weight: [T::zero(); 4],
        };
    }
    let (top, bottom, v) = neighbours(y, height);
    let (left, right, u) = neighbours(x, width);
    let (rest_v, rest_u) = (T::one() - v, T::one() - u);
    Sample {
        at: [
            top * width + left,
            top * width + right,
            bottom * width + left,
            bottom * width + right,
        ],
        weight: [rest_v * rest_u, rest_v * u, v * rest_u, v * u],
    }
}

/// The pixels before and after a position, and how far it is from the first to the second.
fn neighbours<T: Real>(at: T, size: usize) -> (usize, usize, T) {
    let at = if at < T::zero() { T::zero() } else { at };
    let low = at.floor().to_f64() as usize;
    if low + 1 >= size {
        (size - 1, size - 1, T::zero())
    } else {
        (low, low + 1, at - T::of(low))
    }
}
