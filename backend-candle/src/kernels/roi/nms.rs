//! Non-maximum suppression.

use candle_core::{DType, Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::Nms;

use crate::engine::Candle;
use crate::host::{Real, wide, with_elements};
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for Nms {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[boxes, scores] = inputs else {
            anyhow::bail!("takes 2 inputs, got {}", inputs.len());
        };
        one(match wide(boxes.dtype()) {
            DType::F64 => kept::<f64>(boxes, scores, self.iou_threshold),
            _ => kept::<f32>(boxes, scores, self.iou_threshold),
        })
    }
}

register_kernel!(Nms);

fn kept<T: Real>(boxes: &Tensor, scores: &Tensor, threshold: f64) -> Result<Tensor> {
    let (cpu, device) = (candle_core::Device::Cpu, boxes.device());
    let boxes = boxes.to_device(&cpu)?.to_dtype(T::DTYPE)?;
    let scores = scores.to_device(&cpu)?.to_dtype(T::DTYPE)?;
    let order = with_elements(&scores, by_falling_score::<T>)?;
    let kept = with_elements(&boxes, |boxes: &[T]| {
        Sorted::new(boxes, &order).suppress(T::at_most(threshold))
    })?;
    let kept: Vec<i64> = kept.into_iter().map(|rank| order[rank] as i64).collect();
    Tensor::from_vec(kept.clone(), kept.len(), device)
}

/// Positions by falling score; equal scores keep their order, and what is no number comes first, as in
/// PyTorch's sort.
fn by_falling_score<T: Real>(scores: &[T]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].to_f64().total_cmp(&scores[a].to_f64()));
    order
}

/// Boxes in the order in which they are considered, a vector for each coordinate, so that a box is
/// compared with many others at once.
struct Sorted<T> {
    x1: Vec<T>,
    y1: Vec<T>,
    x2: Vec<T>,
    y2: Vec<T>,
    area: Vec<T>,
}

impl<T: Real> Sorted<T> {
    fn new(boxes: &[T], order: &[usize]) -> Self {
        let column = |axis: usize| order.iter().map(|&i| boxes[4 * i + axis]).collect();
        let [x1, y1, x2, y2]: [Vec<T>; 4] = [column(0), column(1), column(2), column(3)];
        let area = (0..order.len()).map(|i| (x2[i] - x1[i]) * (y2[i] - y1[i]));
        Sorted {
            area: area.collect(),
            x1,
            y1,
            x2,
            y2,
        }
    }

    /// The ranks of the boxes that are kept. Operations and their order are torchvision's, so that boxes at
    /// the threshold get the same verdict.
    fn suppress(&self, threshold: T) -> Vec<usize> {
        let count = self.area.len();
        let mut suppressed = vec![false; count];
        let mut kept = Vec::new();
        for i in 0..count {
            if suppressed[i] {
                continue;
            }
            kept.push(i);
            let own = [self.x1[i], self.y1[i], self.x2[i], self.y2[i], self.area[i]];
            self.mark(i + 1, own, threshold, &mut suppressed);
        }
        kept
    }

    fn mark(&self, from: usize, own: [T; 5], threshold: T, suppressed: &mut [bool]) {
        let [x1, y1, x2, y2, area] = own;
        let rest = suppressed[from..].iter_mut();
        let low = self.x1[from..].iter().zip(&self.y1[from..]);
        let high = self.x2[from..].iter().zip(&self.y2[from..]);
        let others = low.zip(high).zip(&self.area[from..]);
        for (suppressed, (((&ox1, &oy1), (&ox2, &oy2)), &other)) in rest.zip(others) {
            let width = larger(T::zero(), smaller(x2, ox2) - larger(x1, ox1));
            let height = larger(T::zero(), smaller(y2, oy2) - larger(y1, oy1));
            let shared = width * height;
            *suppressed |= shared / (area + other - shared) > threshold;
        }
    }
}

fn larger<T: Real>(a: T, b: T) -> T {
    if a < b { b } else { a }
}

fn smaller<T: Real>(a: T, b: T) -> T {
    if b < a { b } else { a }
}
