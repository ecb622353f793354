//! Photographs for detectors: resized with their aspect ratio, padded, and where the padding is.

use anyhow::{Context, Result, bail};
use nongemm_core::plugin::{InputRequest, Modality, Preprocessor, RequestedInput, Sample};
use nongemm_core::tensor::HostTensor;

use super::image::Filter;
use super::photographs::{self, Photographs};
use super::recipe::{Recipe, Rule};
use super::request::integers;

/// Resizes photographs as detectors do, and fills the rest of the input below and on the right with
/// zeros. The shorter side of a photograph becomes the shorter side of the input, unless the longer one
/// would exceed the longer side of the input: "shortest edge 800, longest edge 1333" for an input of 800 x
/// 1333. A photograph that would not fit, because it is high and the input is wide, is made smaller.
///
/// Fills the inputs by name: `pixel_values[batch, 3, h, w]` with `(pixel / 255 - mean) / std`; and, where
/// the graph has them, `pixel_mask[batch, h, w]` with 1 for the photograph and 0 for padding, and
/// `target_sizes[batch, 2]` with height and width of the photographs as they were. Where weights come with a
/// `preprocessor_config.json`, as that says, in an input of the graph's size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectionPreprocessor {
    /// Its name, for reports.
    pub id: &'static str,
    /// Mean of each channel, in units of the full pixel range.
    pub mean: [f64; 3],
    /// Standard deviation of each channel, in the same units.
    pub std: [f64; 3],
}

impl Preprocessor for DetectionPreprocessor {
    fn id(&self) -> &'static str {
        self.id
    }

    fn modality(&self) -> Modality {
        Modality::Image
    }

    fn check(&self, _: &Sample, request: &InputRequest) -> Result<()> {
        photographs::check(request, pixels(request)?)
    }

    fn describe(&self, request: &InputRequest) -> String {
        photographs::describe(self.id, request)
    }

    fn prepare(
        &self,
        samples: &mut dyn Iterator<Item = Result<Sample>>,
        request: &InputRequest,
    ) -> Result<Vec<HostTensor>> {
        let own = |size| self.recipe(size);
        let read = photographs::read(self.id, samples, request, pixels(request)?, own)?;
        let inputs = request.inputs.iter();
        inputs.map(|input| tensor(&read, input)).collect()
    }
}

impl DetectionPreprocessor {
    /// What it does for an input of this size.
    fn recipe(&self, input: [usize; 2]) -> Recipe {
        Recipe {
            rule: Rule::Edges {
                shortest: input[0].min(input[1]),
                longest: input[0].max(input[1]),
            },
            divisor: 1,
            filter: Filter::Bilinear,
            crop: None,
            factor: 1.0 / 255.0,
            mean: self.mean,
            std: self.std,
            pads: true,
        }
    }
}

fn pixels(request: &InputRequest) -> Result<&RequestedInput> {
    let pixels = request.input("pixel_values");
    pixels.context("a detector has an input `pixel_values`")
}

fn tensor(read: &Photographs, input: &RequestedInput) -> Result<HostTensor> {
    match input.name.as_str() {
        "pixel_values" => read.tensor(input),
        "pixel_mask" => integers(mask(read), input),
        "target_sizes" => {
            let sides = read.own.as_flattened().iter();
            integers(sides.map(|side| *side as i64).collect(), input)
        }
        other => bail!("detectors have no input `{other}`"),
    }
}

/// 1 for each pixel of a photograph, 0 for padding.
fn mask(read: &Photographs) -> Vec<i64> {
    let [height, width] = read.input();
    let mut mask = Vec::with_capacity(read.kept.len() * height * width);
    for [h, w] in &read.kept {
        let row = |y: usize| (0..width).map(move |x| i64::from(y < *h && x < *w));
        mask.extend((0..height).flat_map(row));
    }
    mask
}
