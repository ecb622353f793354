//! Photographs to a tensor of pixels.

use anyhow::{Context, Result, bail, ensure};
use nongemm_core::plugin::{Image, InputRequest, Modality, Preprocessor, Sample};
use nongemm_core::tensor::{HostData, HostTensor};
use nongemm_resize::FilterType;

use super::pixels::{Window, centre, push_planes, resize};
use super::request::sizes;

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
    /// Scale until the longer side fills the input, keeping the aspect ratio; zeros fill the rest, on the right
    /// and below, after normalization.
    Padded,
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
/// with values `(pixel / 255 - mean) / std`, channels in RGB order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImagePreprocessor {
    /// Its name, for reports.
    pub id: &'static str,
    /// How the size is reached.
    pub resize: Resize,
    /// The resampling filter.
    pub filter: Filter,
    /// Mean of each channel, in units of the full pixel range.
    pub mean: [f32; 3],
    /// Standard deviation of each channel, in the same units.
    pub std: [f32; 3],
}

impl Preprocessor for ImagePreprocessor {
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
        let [input] = request.inputs.as_slice() else {
            bail!(
                "`{}` fills one input, but the graph has {}",
                self.id,
                request.inputs.len()
            );
        };
        let shape = sizes(input, request.batch, 4)?;
        let (height, width) = (shape[2], shape[3]);
        ensure!(
            shape[1] == 3 && height > 0 && width > 0 && input.spec.dtype.is_float(),
            "input `{}` is {} {}; photographs need floating-point [batch, 3, height, width]",
            input.name,
            input.spec.dtype,
            input.spec.shape
        );
        let mut values = Vec::with_capacity(request.batch * 3 * height * width);
        for index in 0..request.batch {
            let image = self.next_image(samples, index, request.batch)?;
            self.push(&mut values, &image, width, height)?;
        }
        let data = HostData::F32(values).to_float(input.spec.dtype);
        Ok(vec![HostTensor::new(shape, data)?])
    }
}

impl ImagePreprocessor {
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

    /// Appends one photograph as three planes of `height` x `width` values.
    fn push(&self, out: &mut Vec<f32>, image: &Image, width: usize, height: usize) -> Result<()> {
        let (full_width, full_height) = self.resized(image, width, height);
        if self.resize == Resize::Padded {
            let rgb = resize(image, full_width, full_height, self.filter.into())?;
            self.push_padded(out, &rgb, [full_width, full_height], [width, height]);
            return Ok(());
        }
        let rgb = resize(image, full_width, full_height, self.filter.into())?;
        let window = Window {
            left: centre(full_width, width),
            top: centre(full_height, height),
            width,
            height,
        };
        push_planes(out, &rgb, full_width, window, self.mean, self.std);
        Ok(())
    }

    /// Appends a picture of `full` size as planes of `padded` size.
    fn push_padded(&self, out: &mut Vec<f32>, rgb: &[u8], full: [usize; 2], padded: [usize; 2]) {
        let mut planes = Vec::with_capacity(3 * full[0] * full[1]);
        let window = Window {
            left: 0,
            top: 0,
            width: full[0],
            height: full[1],
        };
        push_planes(&mut planes, rgb, full[0], window, self.mean, self.std);
        for plane in planes.chunks_exact((full[0] * full[1]).max(1)) {
            let end = out.len() + padded[0] * padded[1];
            for row in plane.chunks_exact(full[0].max(1)) {
                out.extend(row);
                out.resize(out.len() + padded[0] - full[0], 0.0);
            }
            out.resize(end, 0.0);
        }
    }

    /// Width and height after resizing, before a crop, never smaller than it; or before padding, never larger.
    fn resized(&self, image: &Image, width: usize, height: usize) -> (usize, usize) {
        if self.resize == Resize::Padded {
            let scale = |side: usize, full: usize| side as f64 / full.max(1) as f64;
            let scale = scale(width, image.width).min(scale(height, image.height));
            let scaled =
                |full: usize, most: usize| ((full as f64 * scale).round() as usize).clamp(1, most);
            return (scaled(image.width, width), scaled(image.height, height));
        }
        let Resize::ShortestSide(nominal) = self.resize else {
            return (width, height);
        };
        let side = width.max(height);
        let short = ((nominal * side + NOMINAL_SIDE / 2) / NOMINAL_SIDE).max(side);
        let long = |longer: usize, shorter: usize| short.saturating_mul(longer) / shorter.max(1);
        if image.width <= image.height {
            (short, long(image.height, image.width))
        } else {
            (long(image.width, image.height), short)
        }
    }
}

impl From<Filter> for FilterType {
    fn from(filter: Filter) -> Self {
        match filter {
            Filter::Bilinear => FilterType::Bilinear,
            Filter::Bicubic => FilterType::CatmullRom,
        }
    }
}

#[cfg(test)]
mod tests {
    use nongemm_core::dtype::DType;
    use nongemm_core::plugin::{RequestedInput, Text};
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
        let size = |image: Image, width, height| IMAGENET_EVAL_232.resized(&image, width, height);
        assert_eq!(size(image(451, 300), 224, 224), (348, 232));
        assert_eq!(size(image(300, 451), 224, 224), (232, 348));
        assert_eq!(size(image(100, 100), 384, 384), (398, 398));
        assert_eq!(size(image(100, 100), 32, 64), (66, 66));
    }

    #[test]
    fn what_does_not_fill_the_input_is_padded_with_zeros() {
        let padded = ImagePreprocessor {
            resize: Resize::Padded,
            ..UNIT_EXACT
        };
        assert_eq!(padded.resized(&image(451, 300), 64, 64), (64, 43));
        assert_eq!(padded.resized(&image(1, 300), 64, 64), (1, 64));
        let mut samples = [Ok(Sample::Image(image(8, 4)))].into_iter();
        let tensors = padded.prepare(&mut samples, &request(1, DType::F32, [1, 3, 4, 4]));
        let values = tensors.unwrap()[0].data().to_f64();
        let plane = [
            0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        ];
        let near = values.iter().zip(plane.iter().cycle());
        assert!(
            near.clone()
                .all(|(a, b): (&f64, &f64)| (a - b).abs() < 1e-6)
        );
        assert_eq!(values.len(), 48);
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
