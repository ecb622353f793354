//! Reading and checking overrides of published configurations.

use std::fmt::Display;

use nongemm_core::graph::BuildError;
use nongemm_core::plugin::{ModelConfig, Settings};

/// The largest size that is taken for a size rather than for a mistake.
const LARGEST: usize = 1 << 20;

/// The largest number of layers: each adds dozens of nodes to a graph.
pub(crate) const DEEPEST: usize = 1 << 12;

/// The largest number of images that a graph has nodes of their own for.
const MOST_IMAGES: usize = 1 << 10;

/// The configuration that overrides start from: the published one, or a tiny one (`preset=small`).
pub(crate) fn preset<T>(settings: &Settings, full: T, small: T) -> Result<T, BuildError> {
    Ok(match settings.choice("preset", &["full", "small"])? {
        "small" => small,
        _ => full,
    })
}

/// The size `key`, or the one of the preset.
pub(crate) fn size(settings: &Settings, key: &str, preset: usize) -> Result<usize, BuildError> {
    in_range(
        format!("setting {key}"),
        settings.get(key, preset)?,
        LARGEST,
    )
}

/// The size `key`, which must be small because tables grow with a power of it.
pub(crate) fn small_size(
    settings: &Settings,
    key: &str,
    preset: usize,
    largest: usize,
) -> Result<usize, BuildError> {
    in_range(
        format!("setting {key}"),
        settings.get(key, preset)?,
        largest,
    )
}

/// The number of layers.
pub(crate) fn layers(settings: &Settings, preset: usize) -> Result<usize, BuildError> {
    in_range("setting layers", settings.get("layers", preset)?, DEEPEST)
}

/// The number of layers of each stage, written `3,4,6,3`.
pub(crate) fn stages<const N: usize>(
    settings: &Settings,
    preset: [usize; N],
) -> Result<[usize; N], BuildError> {
    list(settings, "layers", preset, DEEPEST)
}

/// A size for each stage, written `3,6,12,24`.
pub(crate) fn widths<const N: usize>(
    settings: &Settings,
    key: &str,
    preset: [usize; N],
) -> Result<[usize; N], BuildError> {
    list(settings, key, preset, LARGEST)
}

fn list<const N: usize>(
    settings: &Settings,
    key: &str,
    preset: [usize; N],
    largest: usize,
) -> Result<[usize; N], BuildError> {
    let Some(text) = settings.find::<String>(key)? else {
        return Ok(preset);
    };
    let numbers: Result<Vec<usize>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let numbers = numbers.ok().and_then(|numbers| numbers.try_into().ok());
    let numbers: [usize; N] = numbers.ok_or_else(|| {
        BuildError::config(format!(
            "setting {key}={text}: give {N} numbers, one for each stage"
        ))
    })?;
    for number in numbers {
        in_range(format!("setting {key}"), number, largest)?;
    }
    Ok(numbers)
}

/// The number of inputs that run together.
pub(crate) fn batch(config: &ModelConfig) -> Result<usize, BuildError> {
    in_range("batch", config.batch, LARGEST)
}

/// The number of images of a model whose graph treats each of them on its own.
pub(crate) fn images(config: &ModelConfig) -> Result<usize, BuildError> {
    in_range("batch", config.batch, MOST_IMAGES)
}

/// The sequence length, for a model that knows `positions` positions.
pub(crate) fn seq(config: &ModelConfig, positions: usize) -> Result<usize, BuildError> {
    let seq = in_range("sequence length", config.seq()?, LARGEST)?;
    if seq > positions {
        return Err(BuildError::config(format!(
            "sequence length {seq} exceeds the model's {positions} positions; \
             lower --seq or raise the setting positions"
        )));
    }
    Ok(seq)
}

/// The side of the image. A setting `image` has to agree with it: the reference implementations take the
/// side as part of their configuration.
pub(crate) fn image(config: &ModelConfig) -> Result<usize, BuildError> {
    let image = in_range("image size", config.image()?, LARGEST)?;
    let configured = size(&config.settings, "image", image)?;
    if configured != image {
        return Err(BuildError::config(format!(
            "setting image={configured} contradicts the run's image size {image}; \
             give --image {configured} instead"
        )));
    }
    Ok(image)
}

/// The quotient of two sizes, if there is no rest.
pub(crate) fn divide(
    name: &str,
    size: usize,
    by_name: &str,
    by: usize,
) -> Result<usize, BuildError> {
    if size.is_multiple_of(by) {
        Ok(size / by)
    } else {
        Err(BuildError::config(format!(
            "{name} {size} is not divisible by {by_name} {by}"
        )))
    }
}

/// The number of tokens that an image of `image` pixels a side makes: its patches and one for the class.
pub(crate) fn image_tokens(image: usize, patch: usize) -> Result<usize, BuildError> {
    if image < patch {
        return Err(BuildError::config(format!(
            "image size {image} is smaller than a patch of {patch}"
        )));
    }
    let side = divide("image size", image, "patch", patch)?;
    in_range("number of tokens", side * side + 1, LARGEST)
}

fn in_range(name: impl Display, value: usize, largest: usize) -> Result<usize, BuildError> {
    if (1..=largest).contains(&value) {
        Ok(value)
    } else {
        Err(BuildError::config(format!(
            "{name} must be from 1 to {largest}, got {value}"
        )))
    }
}

/// A size as `view` and `expand` take it. Sizes are at most 2^20 and products of three of them fit.
pub(crate) fn signed(size: usize) -> i64 {
    size as i64
}
