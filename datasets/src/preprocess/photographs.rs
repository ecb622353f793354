//! Photographs to the pixels of an input: what all preprocessors of photographs share.

use anyhow::{Context, Result, bail, ensure};
use nongemm_core::plugin::{Image, InputRequest, RequestedInput, Sample};
use nongemm_core::tensor::{HostData, HostTensor};

use super::configuration::Configuration;
use super::recipe::Recipe;
use super::request::sizes;

/// Photographs of one batch.
pub(crate) struct Photographs {
    values: Vec<f32>,
    shape: Vec<usize>,
    /// Height and width of the part of the input that each takes; the rest is padding.
    pub(crate) kept: Vec<[usize; 2]>,
    /// Height and width of each as it was.
    pub(crate) own: Vec<[usize; 2]>,
}

/// Reads a batch for the input `pixels`, prepared as the configuration beside the weights says, else by `own`.
///
/// # Errors
/// When there are too few photographs, or they do not fit.
pub(crate) fn read(
    id: &str,
    samples: &mut dyn Iterator<Item = Result<Sample>>,
    request: &InputRequest,
    pixels: &RequestedInput,
    own: impl FnOnce([usize; 2]) -> Recipe,
) -> Result<Photographs> {
    let (shape, input) = shape(pixels, request)?;
    let recipe = match Configuration::find(&request.companions)? {
        Some(configuration) => configuration.recipe(input)?,
        None => own(input),
    };
    let mut batch = Photographs {
        values: Vec::with_capacity(shape.iter().product()),
        shape,
        kept: Vec::with_capacity(request.batch),
        own: Vec::with_capacity(request.batch),
    };
    for index in 0..request.batch {
        let image = next(id, samples, index, request.batch)?;
        let kept = recipe.place(&mut batch.values, &image, input)?;
        batch.kept.push(kept);
        batch.own.push([image.height, image.width]);
    }
    Ok(batch)
}

impl Photographs {
    /// The pixels as an input takes them.
    pub(crate) fn tensor(&self, input: &RequestedInput) -> Result<HostTensor> {
        let data = HostData::F32(self.values.clone()).to_float(input.spec.dtype);
        HostTensor::new(self.shape.as_slice(), data)
    }

    /// Height and width of the input.
    pub(crate) fn input(&self) -> [usize; 2] {
        [self.shape[2], self.shape[3]]
    }
}

/// Checks that the configuration beside the weights, if there is one, can be read and fits the input.
///
/// # Errors
/// One line that names the file.
pub(crate) fn check(request: &InputRequest, pixels: &RequestedInput) -> Result<()> {
    let (_, input) = shape(pixels, request)?;
    match Configuration::find(&request.companions)? {
        Some(configuration) => configuration.recipe(input).map(drop),
        None => Ok(()),
    }
}

/// How records call what prepares them.
pub(crate) fn describe(id: &str, request: &InputRequest) -> String {
    match Configuration::find(&request.companions) {
        Ok(Some(configuration)) => configuration.name(),
        _ => id.to_owned(),
    }
}

fn shape(pixels: &RequestedInput, request: &InputRequest) -> Result<(Vec<usize>, [usize; 2])> {
    let shape = sizes(pixels, request.batch, 4)?;
    ensure!(
        shape[1] == 3 && shape[2] > 0 && shape[3] > 0 && pixels.spec.dtype.is_float(),
        "input `{}` is {} {}; photographs need floating-point [batch, 3, height, width]",
        pixels.name,
        pixels.spec.dtype,
        pixels.spec.shape
    );
    let input = [shape[2], shape[3]];
    Ok((shape, input))
}

fn next(
    id: &str,
    samples: &mut dyn Iterator<Item = Result<Sample>>,
    index: usize,
    batch: usize,
) -> Result<Image> {
    let sample = samples
        .next()
        .with_context(|| format!("the dataset has {index} photograph(s) for a batch of {batch}"))?;
    match sample? {
        Sample::Image(image) => Ok(image),
        other => bail!(
            "`{}` holds {}; `{id}` reads photographs",
            other.name(),
            other.modality().name()
        ),
    }
}
