//! Values of made-up inputs: the same for the same seed on every machine.

use crate::dtype::DType;
use crate::rng::Uniform;
use crate::shape::TensorSpec;
use crate::tensor::{HostData, HostTensor};

/// So many numbers are drawn; a larger tensor repeats them. A prime, so that no row of a usual length
/// equals the next.
const PERIOD: usize = 65_521;

/// Boxes of one object among [`Values::Detections`].
const BOXES_PER_OBJECT: usize = 16;

/// Which values an input holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    /// Uniform between the bounds.
    Range(f64, f64),
    /// Integers from 0 up to and not including the bound.
    Below(u32),
    /// Rows of boxes, `x1 <= x2` and `y1 <= y2` in columns 0 and 2, 1 and 3, between 0 and `side`; rows of
    /// five have the number of an image below `images` in front.
    Boxes {
        /// Largest coordinate.
        side: f64,
        /// Number of images.
        images: u32,
    },
    /// As `Boxes`, but as a detector proposes them: many boxes of nearly the same place and size for each
    /// of several objects, so that most of them overlap others.
    Detections {
        /// Largest coordinate.
        side: f64,
        /// Number of images.
        images: u32,
    },
    /// These, in order, over and over.
    Given(&'static [f64]),
}

impl Values {
    /// What an operator can take that asks for nothing in particular: numbers between -2 and 2, zeros and
    /// ones for whole numbers and truth values.
    pub fn usual(spec: &TensorSpec) -> Values {
        if spec.dtype.is_float() {
            Values::Range(-2.0, 2.0)
        } else {
            Values::Below(2)
        }
    }

    /// A tensor of such values.
    ///
    /// # Errors
    /// When a dimension is symbolic or the shape has too many elements.
    pub fn tensor(self, spec: &TensorSpec, mut rng: Uniform) -> anyhow::Result<HostTensor> {
        let (Some(shape), Some(count)) = (spec.shape.known(), spec.shape.elements()) else {
            anyhow::bail!("{spec} has no size that is known");
        };
        let drawn = count.min(PERIOD);
        let data = match self {
            Values::Range(low, high) => {
                let draw = |_| low + (high - low) * rng.next_f64();
                HostData::F64((0..drawn).map(draw).collect())
            }
            Values::Below(bound) => {
                HostData::U32((0..drawn).map(|_| rng.next_below(bound)).collect())
            }
            Values::Boxes { side, images } => {
                let width = shape.last().copied().unwrap_or(4).max(1);
                let rows = (0..count / width).flat_map(|_| boxes(&mut rng, side, images, width));
                HostData::F64(rows.collect())
            }
            Values::Given(values) => HostData::F64(values.to_vec()),
            Values::Detections { side, images } => {
                let width = shape.last().copied().unwrap_or(4).max(1);
                HostData::F64(detections(&mut rng, side, images, width, count / width))
            }
        };
        HostTensor::new(shape, repeated(&cast(&data, spec.dtype), count))
    }
}

/// One row of [`Values::Boxes`].
fn boxes(rng: &mut Uniform, side: f64, images: u32, width: usize) -> Vec<f64> {
    let image = rng.next_below(images);
    let mut corner = || [rng.next_f64() * side, rng.next_f64() * side];
    let ([x1, y1], [x2, y2]) = (corner(), corner());
    row(
        image,
        [x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2)],
        width,
    )
}

fn row(image: u32, corners: [f64; 4], width: usize) -> Vec<f64> {
    let leading = (width == 5).then_some(f64::from(image));
    leading.into_iter().chain(corners).collect()
}

/// Rows of [`Values::Detections`]: each object has a place and a size between a sixteenth and a half of
/// the side; its boxes lie within a fifth of its size from there. Boxes of an object are not neighbours.
fn detections(rng: &mut Uniform, side: f64, images: u32, width: usize, rows: usize) -> Vec<f64> {
    let mut between = |low: f64, high: f64| low + (high - low) * rng.next_f64();
    let objects: Vec<[f64; 4]> = (0..rows.div_ceil(BOXES_PER_OBJECT))
        .map(|_| {
            let size = [
                between(side / 16.0, side / 2.0),
                between(side / 16.0, side / 2.0),
            ];
            let place = [between(0.0, side - size[0]), between(0.0, side - size[1])];
            [place[0], place[1], size[0], size[1]]
        })
        .collect();
    let mut values = Vec::with_capacity(rows * width);
    for index in 0..rows {
        let [x, y, w, h] = objects[index % objects.len()];
        let mut near = |at: f64, size: f64| (at + between(-0.2, 0.2) * size).clamp(0.0, side);
        let (x1, y1, x2, y2) = (near(x, w), near(y, h), near(x + w, w), near(y + h, h));
        let image = (index % images.max(1) as usize) as u32;
        values.extend(row(image, [x1, y1, x2, y2], width));
    }
    values
}

fn cast(data: &HostData, dtype: DType) -> HostData {
    let wide = data.to_f64();
    match dtype {
        DType::I64 => HostData::I64(wide.into_iter().map(|x| x as i64).collect()),
        DType::I32 => HostData::I32(wide.into_iter().map(|x| x as i32).collect()),
        DType::I16 => HostData::I16(wide.into_iter().map(|x| x as i16).collect()),
        DType::I8 => HostData::I8(wide.into_iter().map(|x| x as i8).collect()),
        DType::U64 => HostData::U64(wide.into_iter().map(|x| x as u64).collect()),
        DType::U32 => HostData::U32(wide.into_iter().map(|x| x as u32).collect()),
        DType::U16 => HostData::U16(wide.into_iter().map(|x| x as u16).collect()),
        DType::U8 => HostData::U8(wide.into_iter().map(|x| x as u8).collect()),
        DType::Bool => HostData::Bool(wide.into_iter().map(|x| u8::from(x > 0.0)).collect()),
        float => HostData::F64(wide).to_float(float),
    }
}

/// `count` elements: those of `data` over and over.
fn repeated(data: &HostData, count: usize) -> HostData {
    let mut all = HostData::zeros(data.dtype(), count);
    let pattern = data.as_bytes();
    if pattern.is_empty() {
        return all;
    }
    for part in all.as_bytes_mut().chunks_mut(pattern.len()) {
        part.copy_from_slice(&pattern[..part.len()]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rng() -> Uniform {
        Uniform::new(0, "test")
    }

    #[test]
    fn large_tensors_repeat_what_was_drawn() {
        let spec = TensorSpec::new(DType::F16, [3, PERIOD]);
        let tensor = Values::Range(-1.0, 1.0).tensor(&spec, rng()).unwrap();
        let values = tensor.data().to_f64();
        assert_eq!(values.len(), 3 * PERIOD);
        assert_eq!(values[..PERIOD], values[PERIOD..2 * PERIOD]);
        assert!(values.iter().all(|x| (-1.0..=1.0).contains(x)));
    }

    #[test]
    fn detections_are_boxes_that_overlap_others() {
        let spec = TensorSpec::new(DType::F32, [160, 5]);
        let values = Values::Detections {
            side: 800.0,
            images: 2,
        };
        let data = values.tensor(&spec, rng()).unwrap().data().to_f64();
        let boxes: Vec<&[f64]> = data.chunks(5).collect();
        let overlap = |a: &[f64], b: &[f64]| {
            let side = |i: usize| (a[i + 2].min(b[i + 2]) - a[i].max(b[i])).max(0.0);
            let area = |x: &[f64]| (x[3] - x[1]) * (x[4] - x[2]);
            let both = side(1) * side(2);
            both / (area(a) + area(b) - both)
        };
        assert!(boxes.iter().all(|b| b[1] < b[3] && b[2] < b[4]));
        assert!(
            boxes
                .iter()
                .all(|b| b[0] < 2.0 && b[3] <= 800.0 && b[4] <= 800.0)
        );
        let crowded = boxes.iter().filter(|a| {
            let others = boxes.iter().filter(|b| overlap(a, b) > 0.5);
            others.count() > 2
        });
        assert!(crowded.count() > 120, "most boxes overlap others by half");
    }

    #[test]
    fn symbolic_sizes_are_errors() {
        let spec = TensorSpec::new(
            DType::F32,
            crate::shape::Shape::new([crate::shape::Dim::symbol("kept")]),
        );
        assert!(Values::usual(&spec).tensor(&spec, rng()).is_err());
    }
}
