//! How one photograph becomes pixels of an input: what presets and configurations of checkpoints come down to.
//!
//! Sizes are height before width, in pixels.

use anyhow::{Result, ensure};
use nongemm_core::plugin::Image;
use nongemm_resize::FilterType;

use super::image::Filter;
use super::pixels::{Window, centre, push_planes, resize};

/// The steps, in the order of its fields; then normalization, and padding with zeros below and on the right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Recipe {
    pub(crate) rule: Rule,
    /// Resized sides are rounded up to multiples of this.
    pub(crate) divisor: usize,
    pub(crate) filter: Filter,
    pub(crate) crop: Option<Crop>,
    /// Pixels are multiplied by this, then `mean` is subtracted and the difference divided by `std`.
    pub(crate) factor: f64,
    pub(crate) mean: [f64; 3],
    pub(crate) std: [f64; 3],
    /// Whether what is smaller than the input is padded.
    pub(crate) pads: bool,
}

/// The size that a photograph is resized to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Its own.
    Keep,
    /// This one, whatever the aspect ratio.
    Exact([usize; 2]),
    /// The shorter side becomes this long.
    Shortest(usize),
    /// The shorter side becomes `shortest`, or as much less as keeps the longer one at `longest`.
    Edges { shortest: usize, longest: usize },
    /// As large as fits into this.
    Within([usize; 2]),
}

/// A part of the centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crop {
    pub(crate) size: [usize; 2],
    /// Whether half pixels are rounded to the even number, as torchvision does, or down, as transformers does.
    pub(crate) to_even: bool,
}

impl Recipe {
    /// The size of every photograph before padding, if they have one.
    pub(crate) fn size(&self) -> Option<[usize; 2]> {
        match (self.crop, self.rule) {
            (Some(crop), _) => Some(crop.size),
            (None, Rule::Exact(size)) => Some(size.map(|side| self.divided(side))),
            _ => None,
        }
    }

    /// Appends a photograph as three planes of an input's size; returns the part of them that it takes.
    ///
    /// # Errors
    /// When it does not have the size of the input and is not padded, or cannot be resized.
    pub(crate) fn place(
        &self,
        out: &mut Vec<f32>,
        image: &Image,
        input: [usize; 2],
    ) -> Result<[usize; 2]> {
        let own = [image.height, image.width];
        let full = self.resized(own, input);
        let rgb = match self.rule {
            Rule::Keep => image.rgb.clone(),
            _ => resize(image, full[1], full[0], self.filter.into())?,
        };
        let kept = self.crop.map_or(full, |crop| crop.size);
        self.check(&image.name, full, kept, input)?;
        let start = |axis: usize| match self.crop {
            Some(Crop { to_even: true, .. }) => centre(full[axis], kept[axis]),
            _ => (full[axis] - kept[axis]) / 2,
        };
        let window = Window {
            left: start(1),
            top: start(0),
            width: kept[1],
            height: kept[0],
        };
        let tables = self.tables();
        if kept == input {
            push_planes(out, &rgb, full[1], window, &tables);
            return Ok(kept);
        }
        let mut planes = Vec::with_capacity(3 * kept[0] * kept[1]);
        push_planes(&mut planes, &rgb, full[1], window, &tables);
        for plane in planes.chunks_exact(kept[0] * kept[1]) {
            let end = out.len() + input[0] * input[1];
            for row in plane.chunks_exact(kept[1]) {
                out.extend(row);
                out.resize(out.len() + input[1] - kept[1], 0.0);
            }
            out.resize(end, 0.0);
        }
        Ok(kept)
    }

    fn check(
        &self,
        name: &str,
        full: [usize; 2],
        kept: [usize; 2],
        input: [usize; 2],
    ) -> Result<()> {
        ensure!(
            kept[0] > 0 && kept[1] > 0 && kept[0] <= full[0] && kept[1] <= full[1],
            "`{name}` has {} pixels where {} are cut out",
            shown(full),
            shown(kept)
        );
        let fits = kept[0] <= input[0] && kept[1] <= input[1];
        ensure!(
            kept == input || (self.pads && fits),
            "`{name}` has {} pixels after resizing, but the model takes {}{}",
            shown(kept),
            shown(input),
            if fits { ", and nothing is padded" } else { "" }
        );
        Ok(())
    }

    /// The size that a photograph of this size is resized to. What keeps its aspect ratio and is padded never
    /// exceeds the input.
    pub(crate) fn resized(&self, own: [usize; 2], input: [usize; 2]) -> [usize; 2] {
        let size = match self.rule {
            Rule::Keep => return own,
            Rule::Exact(size) => size,
            Rule::Shortest(side) => shortest(own, side),
            Rule::Edges {
                shortest: short,
                longest,
            } => {
                let [least, most] = [input[0].min(input[1]), input[0].max(input[1])];
                match self.pads {
                    true => by_edges(own, short.min(least), longest.min(most)),
                    false => by_edges(own, short, longest),
                }
            }
            Rule::Within(size) => within(own, size),
        };
        let keeps_ratio = matches!(self.rule, Rule::Edges { .. } | Rule::Within(_));
        if !(keeps_ratio && self.pads) {
            return size.map(|side| self.divided(side));
        }
        let fitted = match size[0] <= input[0] && size[1] <= input[1] {
            true => size,
            false => within(own, input),
        };
        let side = |axis: usize| self.divided(fitted[axis].max(1)).min(input[axis]);
        [side(0), side(1)]
    }

    fn divided(&self, side: usize) -> usize {
        side.next_multiple_of(self.divisor.max(1))
    }

    /// What becomes of each level of each channel.
    fn tables(&self) -> [[f32; 256]; 3] {
        let value = |channel: usize, level: usize| {
            ((level as f64 * self.factor - self.mean[channel]) / self.std[channel]) as f32
        };
        std::array::from_fn(|channel| std::array::from_fn(|level| value(channel, level)))
    }
}

/// A size as messages have it: width before height.
pub(crate) fn shown(size: [usize; 2]) -> String {
    format!("{} x {}", size[1], size[0])
}

/// The shorter side as long as asked for, the other one in proportion, rounded down.
fn shortest(own: [usize; 2], side: usize) -> [usize; 2] {
    let longer = |long: usize, short: usize| side.saturating_mul(long) / short.max(1);
    match own[1] <= own[0] {
        true => [longer(own[0], own[1]), side],
        false => [side, longer(own[1], own[0])],
    }
}

/// The sides after the shorter one became `short`, or as much less as keeps the longer one at `long`. The
/// other side is rounded down, the shorter one to the nearest.
fn by_edges(own: [usize; 2], short: usize, long: usize) -> [usize; 2] {
    let [small, large] = [own[0].min(own[1]) as f64, own[0].max(own[1]) as f64];
    let mut exact = short as f64;
    if large / small.max(1.0) * exact > long as f64 {
        exact = long as f64 * small / large;
    }
    let shorter = exact.round_ties_even() as usize;
    let longer = (exact * large / small.max(1.0)) as usize;
    match own[1] < own[0] {
        true => [longer, shorter],
        false => [shorter, longer],
    }
}

/// As large as fits, rounded down.
fn within(own: [usize; 2], most: [usize; 2]) -> [usize; 2] {
    let scale = |axis: usize| most[axis] as f64 / own[axis].max(1) as f64;
    let scale = scale(0).min(scale(1));
    let side = |axis: usize| ((own[axis] as f64 * scale) as usize).clamp(1, most[axis].max(1));
    [side(0), side(1)]
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
    use super::*;

    const PADDED: Recipe = Recipe {
        rule: Rule::Edges {
            shortest: 800,
            longest: 1333,
        },
        divisor: 1,
        filter: Filter::Bilinear,
        crop: None,
        factor: 1.0 / 255.0,
        mean: [0.0; 3],
        std: [1.0; 3],
        pads: true,
    };

    fn image(height: usize, width: usize) -> Image {
        Image {
            name: "picture".to_owned(),
            width,
            height,
            rgb: vec![51; 3 * width * height],
        }
    }

    #[test]
    fn the_shorter_side_decides_unless_the_longer_one_is_too_long() {
        assert_eq!(by_edges([300, 451], 800, 1333), [800, 1202]);
        assert_eq!(by_edges([480, 640], 800, 1333), [800, 1066]);
        assert_eq!(by_edges([900, 300], 800, 1333), [1333, 444]);
        assert_eq!(shortest([300, 451], 232), [232, 348]);
        assert_eq!(shortest([451, 300], 232), [348, 232]);
        assert_eq!(within([100, 200], [200, 500]), [200, 400]);
    }

    #[test]
    fn what_is_padded_fits_its_input() {
        let size = |own, input| PADDED.resized(own, input);
        assert_eq!(size([480, 640], [800, 1333]), [800, 1066]);
        assert_eq!(size([480, 640], [800, 800]), [600, 800]);
        assert_eq!(size([640, 480], [800, 1333]), [800, 600]);
        assert_eq!(size([10_000, 1], [16, 16]), [16, 1]);
        let divided = Recipe {
            divisor: 32,
            ..PADDED
        };
        assert_eq!(divided.resized([480, 640], [800, 800]), [608, 800]);
        assert_eq!(divided.resized([480, 640], [70, 70]), [64, 70]);
    }

    #[test]
    fn what_does_not_fill_the_input_is_padded_with_zeros() {
        let mut values = Vec::new();
        let kept = PADDED.place(&mut values, &image(4, 8), [4, 4]).unwrap();
        assert_eq!((kept, values.len()), ([2, 4], 48));
        for (index, value) in values.iter().enumerate() {
            let expected = if index % 16 < 8 { 0.2 } else { 0.0 };
            assert!((value - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_names_the_picture() {
        let refused = |recipe: Recipe, input| {
            let error = recipe.place(&mut Vec::new(), &image(4, 8), input);
            error.unwrap_err().to_string()
        };
        let keep = Recipe {
            rule: Rule::Keep,
            pads: false,
            ..PADDED
        };
        assert_eq!(
            refused(keep, [8, 8]),
            "`picture` has 8 x 4 pixels after resizing, but the model takes 8 x 8, and nothing is padded"
        );
        let kept = Recipe { pads: true, ..keep };
        assert_eq!(
            refused(kept, [4, 4]),
            "`picture` has 8 x 4 pixels after resizing, but the model takes 4 x 4"
        );
        let crop = Some(Crop {
            size: [5, 5],
            to_even: false,
        });
        assert_eq!(
            refused(Recipe { crop, ..keep }, [5, 5]),
            "`picture` has 8 x 4 pixels where 5 x 5 are cut out"
        );
    }

    #[test]
    fn a_crop_is_rounded_as_its_library_does() {
        let starts = |to_even| {
            let crop = Crop {
                size: [2, 1],
                to_even,
            };
            let recipe = Recipe {
                rule: Rule::Keep,
                crop: Some(crop),
                ..PADDED
            };
            let mut picture = image(2, 4);
            for (x, pixel) in picture.rgb.chunks_exact_mut(3).enumerate() {
                pixel.fill(x as u8 % 4 * 51);
            }
            let mut values = Vec::new();
            recipe.place(&mut values, &picture, [2, 1]).unwrap();
            (values[0] * 5.0).round() as usize
        };
        // Half of three pixels: 1.5 is rounded to 2, or down.
        assert_eq!([starts(true), starts(false)], [2, 1]);
    }
}
