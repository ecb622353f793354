//! Photographs to a tensor of pixels.

use anyhow::{Result, bail};
use nongemm_core::plugin::{InputRequest, Modality, Preprocessor, RequestedInput, Sample};
use nongemm_core::tensor::HostTensor;

use super::photographs;
use super::recipe::{Crop, Recipe, Rule};

/// The image side, in pixels, that [`Resize::ShortestSide`] is given for.
const NOMINAL_SIDE: usize = 224;

/// How a photograph gets the size that the graph wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resize {
    /// Scale until the shorter side has this many pixels, keeping the aspect ratio, then cut out the
    /// centre. The number is for a 224 x 224 input; for another size it grows in proportion
    /// (232 becomes 398 for 384 x 384).
    ShortestSide(usize),
    /// Scale both sides to the input's size, whatever the aspect ratio.
    Exact,
    /// Scale until the input is filled in one direction, keeping the aspect ratio up to sides that are multiples of
    /// `divisor`; zeros fill the rest, on the right and below, after normalization.
    Padded {
        /// What sides are rounded up to multiples of.
        divisor: usize,
    },
}

/// The resampling filter. Both are widened when they shrink a picture (antialiasing).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Triangle filter.
    Bilinear,
    /// Cubic convolution with a = -0.5.
    Bicubic,
}

/// Resizes, crops and normalises photographs: one floating-point input of shape `[batch, 3, H, W]`
/// with values `(pixel / 255 - mean) / std`, channels in RGB order. Where weights come with a
/// `preprocessor_config.json`, as that says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImagePreprocessor {
    /// Its name, for reports.
    pub id: &'static str,
    /// How the size is reached.
    pub resize: Resize,
    /// The resampling filter.
    pub filter: Filter,
    /// Mean of each channel, in units of the full pixel range.
    pub mean: [f64; 3],
    /// Standard deviation of each channel, in the same units.
    pub std: [f64; 3],
}

impl Preprocessor for ImagePreprocessor {
    fn id(&self) -> &'static str {
        self.id
    }

    fn modality(&self) -> Modality {
        Modality::Image
    }

    fn check(&self, _: &Sample, request: &InputRequest) -> Result<()> {
        photographs::check(request, self.input(request)?)
    }

    fn describe(&self, request: &InputRequest) -> String {
        photographs::describe(self.id, request)
    }

    fn prepare(
        &self,
        samples: &mut dyn Iterator<Item = Result<Sample>>,
        request: &InputRequest,
    ) -> Result<Vec<HostTensor>> {
        let input = self.input(request)?;
        let own = |size| self.recipe(size);
        let read = photographs::read(self.id, samples, request, input, own)?;
        Ok(vec![read.tensor(input)?])
    }
}

impl ImagePreprocessor {
    fn input<'r>(&self, request: &'r InputRequest) -> Result<&'r RequestedInput> {
        match request.inputs.as_slice() {
            [input] => Ok(input),
            inputs => bail!(
                "`{}` fills one input, but the graph has {}",
                self.id,
                inputs.len()
            ),
        }
    }

    /// What it does for an input of this size.
    fn recipe(&self, input: [usize; 2]) -> Recipe {
        let [least, most] = [input[0].min(input[1]), input[0].max(input[1])];
        let mut recipe = Recipe {
            rule: Rule::Exact(input),
            divisor: 1,
            filter: self.filter,
            crop: None,
            factor: 1.0 / 255.0,
            mean: self.mean,
            std: self.std,
            pads: false,
        };
        match self.resize {
            Resize::Exact => {}
            Resize::ShortestSide(nominal) => {
                let side = (nominal * most + NOMINAL_SIDE / 2) / NOMINAL_SIDE;
                recipe.rule = Rule::Shortest(side.max(most));
                recipe.crop = Some(Crop {
                    size: input,
                    to_even: true,
                });
            }
            Resize::Padded { divisor } => {
                recipe.rule = Rule::Edges {
                    shortest: least,
                    longest: most,
                };
                (recipe.divisor, recipe.pads) = (divisor, true);
            }
        }
        recipe
    }
}

#[cfg(test)]
mod tests {
    use nongemm_core::dtype::DType;
    use nongemm_core::plugin::{Image, Text};
    use nongemm_core::shape::TensorSpec;

    use super::super::image_presets::{IMAGENET_EVAL_232, UNIT_EXACT};
    use super::*;

    fn image(width: usize, height: usize) -> Image {
        Image {
            name: "picture".to_owned(),
            width,
            height,
            rgb: vec![51; 3 * width * height],
        }
    }

    fn request(batch: usize, dtype: DType, shape: [usize; 4]) -> InputRequest {
        InputRequest {
            batch,
            inputs: vec![RequestedInput {
                name: "pixel_values".to_owned(),
                spec: TensorSpec::new(dtype, shape),
                below: None,
            }],
            ..InputRequest::default()
        }
    }

    fn prepare(samples: Vec<Sample>, request: &InputRequest) -> Result<Vec<HostTensor>> {
        UNIT_EXACT.prepare(&mut samples.into_iter().map(Ok), request)
    }

    #[test]
    fn the_shorter_side_is_scaled_in_proportion_to_the_input() {
        let size = |own, input| IMAGENET_EVAL_232.recipe(input).resized(own, input);
        assert_eq!(size([300, 451], [224, 224]), [232, 348]);
        assert_eq!(size([451, 300], [224, 224]), [348, 232]);
        assert_eq!(size([100, 100], [384, 384]), [398, 398]);
        assert_eq!(size([100, 100], [64, 32]), [66, 66]);
    }

    #[test]
    fn a_batch_holds_the_first_samples_in_the_input_type() {
        let samples = (1..5).map(|i| Sample::Image(image(10 * i, 20))).collect();
        let tensors = prepare(samples, &request(2, DType::F16, [2, 3, 8, 6])).unwrap();
        assert_eq!(tensors[0].shape(), [2, 3, 8, 6]);
        assert_eq!(tensors[0].dtype(), DType::F16);
        let values = tensors[0].data().to_f64();
        assert!(values.iter().all(|value| (value - 0.2).abs() < 1e-3));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let message = |samples, request| {
            let error = prepare(samples, &request).map(|_| ()).unwrap_err();
            format!("{error:#}")
        };
        let one = || vec![Sample::Image(image(4, 4))];
        assert_eq!(
            message(one(), request(2, DType::F32, [2, 3, 8, 8])),
            "the dataset has 1 photograph(s) for a batch of 2"
        );
        assert_eq!(
            message(one(), request(1, DType::I64, [1, 3, 8, 8])),
            "input `pixel_values` is i64 [1, 3, 8, 8]; photographs need floating-point [batch, 3, height, width]"
        );
        let text = Sample::Text(Text {
            name: "ode".to_owned(),
            text: String::new(),
            ids: Default::default(),
        });
        assert_eq!(
            message(vec![text], request(1, DType::F32, [1, 3, 8, 8])),
            "`ode` holds text; `unit-exact` reads photographs"
        );
    }
}
