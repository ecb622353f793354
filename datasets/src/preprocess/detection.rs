//! Photographs for detectors: resized with their aspect ratio, padded, and where the padding is.

use anyhow::{Context, Result, bail, ensure};
use nongemm_core::plugin::{Image, InputRequest, Modality, Preprocessor, RequestedInput, Sample};
use nongemm_core::tensor::{HostData, HostTensor};
use nongemm_resize::FilterType;

use super::pixels::{Window, push_planes, resize};
use super::request::{integers, sizes};

/// Resizes photographs as detectors do, and fills the rest of the input below and on the right with
/// zeros. The shorter side of a photograph becomes the shorter side of the input, unless the longer one
/// would exceed the longer side of the input: "shortest edge 800, longest edge 1333" for an input of 800 x
/// 1333. A photograph that would not fit, because it is high and the input is wide, is made smaller.
///
/// Fills the inputs by name: `pixel_values[batch, 3, h, w]` with `(pixel / 255 - mean) / std`; and, where
/// the graph has them, `pixel_mask[batch, h, w]` with 1 for the photograph and 0 for padding, and
/// `target_sizes[batch, 2]` with height and width of the photographs as they were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectionPreprocessor {
    /// Its name, for reports.
    pub id: &'static str,
    /// Mean of each channel, in units of the full pixel range.
    pub mean: [f32; 3],
    /// Standard deviation of each channel, in the same units.
    pub std: [f32; 3],
}

/// A batch under way.
struct Batch {
    height: usize,
    width: usize,
    pixels: Vec<f32>,
    mask: Vec<i64>,
    sizes: Vec<i64>,
}

impl Preprocessor for DetectionPreprocessor {
    fn id(&self) -> &'static str {
        self.id
    }

    fn modality(&self) -> Modality {
        Modality::Image
    }

    fn prepare(
        &self,
        samples: &mut dyn Iterator<Item = Result<Sample>>,
        request: &InputRequest,
    ) -> Result<Vec<HostTensor>> {
        let pixels = request.input("pixel_values");
        let pixels = pixels.context("a detector has an input `pixel_values`")?;
        let shape = sizes(pixels, request.batch, 4)?;
        ensure!(
            shape[1] == 3 && shape[2] > 0 && shape[3] > 0 && pixels.spec.dtype.is_float(),
            "input `pixel_values` is {}; photographs need floating-point [batch, 3, height, width]",
            pixels.spec
        );
        let mut batch = Batch {
            height: shape[2],
            width: shape[3],
            pixels: Vec::with_capacity(shape.iter().product()),
            mask: Vec::new(),
            sizes: Vec::new(),
        };
        for index in 0..request.batch {
            let image = self.next_image(samples, index, request.batch)?;
            self.push(&mut batch, &image)?;
        }
        let inputs = request.inputs.iter();
        inputs.map(|input| batch.tensor(input, &shape)).collect()
    }
}

impl DetectionPreprocessor {
    fn next_image(
        &self,
        samples: &mut dyn Iterator<Item = Result<Sample>>,
        index: usize,
        batch: usize,
    ) -> Result<Image> {
        let sample = samples.next().with_context(|| {
            format!("the dataset has {index} photograph(s) for a batch of {batch}")
        })?;
        match sample? {
            Sample::Image(image) => Ok(image),
            other => bail!(
                "`{}` holds {}; `{}` reads photographs",
                other.name(),
                other.modality().name(),
                self.id
            ),
        }
    }

    fn push(&self, batch: &mut Batch, image: &Image) -> Result<()> {
        let Batch { height, width, .. } = *batch;
        let (w, h) = fitted([image.width, image.height], [width, height]);
        let rgb = resize(image, w, h, FilterType::Bilinear)?;
        let whole = Window {
            left: 0,
            top: 0,
            width: w,
            height: h,
        };
        let mut planes = Vec::with_capacity(3 * w * h);
        push_planes(&mut planes, &rgb, w, whole, self.mean, self.std);
        for plane in planes.chunks_exact(w * h) {
            for row in plane.chunks_exact(w) {
                batch.pixels.extend_from_slice(row);
                batch.pixels.extend(std::iter::repeat_n(0.0, width - w));
            }
            batch
                .pixels
                .extend(std::iter::repeat_n(0.0, (height - h) * width));
        }
        let row = |y: usize| (0..width).map(move |x| i64::from(y < h && x < w));
        batch.mask.extend((0..height).flat_map(row));
        batch
            .sizes
            .extend([image.height as i64, image.width as i64]);
        Ok(())
    }
}

impl Batch {
    fn tensor(&self, input: &RequestedInput, shape: &[usize]) -> Result<HostTensor> {
        match input.name.as_str() {
            "pixel_values" => {
                let data = HostData::F32(self.pixels.clone()).to_float(input.spec.dtype);
                HostTensor::new(shape, data)
            }
            "pixel_mask" => integers(self.mask.clone(), input),
            "target_sizes" => integers(self.sizes.clone(), input),
            other => bail!("detectors have no input `{other}`"),
        }
    }
}

/// Width and height of a photograph of `from` in an input of `into`, width first.
fn fitted(from: [usize; 2], into: [usize; 2]) -> (usize, usize) {
    let [short, long] = [into[0].min(into[1]), into[0].max(into[1])];
    let resized = by_edges(from, short, long);
    if resized[0] <= into[0] && resized[1] <= into[1] {
        return (resized[0].max(1), resized[1].max(1));
    }
    let scale = |axis: usize| into[axis] as f64 / from[axis].max(1) as f64;
    let scale = scale(0).min(scale(1));
    let side = |axis: usize| ((from[axis] as f64 * scale) as usize).clamp(1, into[axis]);
    (side(0), side(1))
}

/// The sides after the shorter one became `short`, or as much less as keeps the longer one at `long`. The
/// other side is rounded down, the shorter one to the nearest.
fn by_edges(from: [usize; 2], short: usize, long: usize) -> [usize; 2] {
    let [small, large] = [from[0].min(from[1]) as f64, from[0].max(from[1]) as f64];
    let mut exact = short as f64;
    if large / small.max(1.0) * exact > long as f64 {
        exact = long as f64 * small / large;
    }
    let shorter = exact.round_ties_even() as usize;
    let longer = (exact * large / small.max(1.0)) as usize;
    if from[0] < from[1] {
        [shorter, longer]
    } else {
        [longer, shorter]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_side_decides_unless_the_longer_one_is_too_long() {
        assert_eq!(by_edges([451, 300], 800, 1333), [1202, 800]);
        assert_eq!(by_edges([640, 480], 800, 1333), [1066, 800]);
        assert_eq!(by_edges([300, 900], 800, 1333), [444, 1333]);
    }

    #[test]
    fn a_photograph_fits_its_input() {
        assert_eq!(fitted([640, 480], [800, 800]), (800, 600));
        assert_eq!(fitted([480, 640], [1333, 800]), (600, 800));
        assert_eq!(fitted([1, 10_000], [16, 16]), (1, 16));
    }
}
