//! The published sizes, and overrides of them.

use nongemm_core::graph::BuildError;
use nongemm_core::plugin::Settings;

use crate::settings::{DEEPEST, preset, size, small_size, stages};

/// What can be overridden.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Blocks of each stage of the residual network.
    pub(super) stages: [usize; 4],
    /// Classes, the background included.
    pub(super) labels: usize,
    /// Channels of the feature pyramid.
    pub(super) channels: usize,
    /// Width of the two layers that describe a box.
    pub(super) hidden: usize,
    /// What the shorter side of an image is resized to ...
    pub(super) min_size: usize,
    /// ... unless the longer one would exceed this.
    pub(super) max_size: usize,
    /// Candidates of each level before suppression, and proposals of each image after it.
    pub(super) proposals: usize,
    /// Detections of each image.
    pub(super) detections: usize,
    /// How suppression is kept within levels or classes.
    pub(super) nms: Batching,
}

/// How non-maximum suppression is kept within the classes (or levels) that boxes belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Batching {
    /// [`Batching::Loop`] where more than 1000 boxes are candidates by the published sizes, as
    /// torchvision decides on the CPU; for classes, [`Batching::Offset`].
    Auto,
    /// One suppression of boxes that are shifted apart by class.
    Offset,
    /// One suppression for each class.
    Loop,
}

/// The configuration of the published detectors.
pub(super) const PUBLISHED: Sizes = Sizes {
    stages: [3, 4, 6, 3],
    labels: 91,
    channels: 256,
    hidden: 1024,
    min_size: 800,
    max_size: 1333,
    proposals: 1000,
    detections: 100,
    nms: Batching::Auto,
};

const SMALL: Sizes = Sizes {
    stages: [1, 1, 1, 1],
    labels: 5,
    channels: 8,
    hidden: 16,
    min_size: 60,
    max_size: 96,
    proposals: 20,
    detections: 8,
    nms: Batching::Auto,
};

impl Sizes {
    /// The sizes after overrides.
    pub(super) fn read(settings: &Settings, published: Sizes) -> Result<Self, BuildError> {
        let preset = preset(settings, published, SMALL)?;
        let sizes = Sizes {
            stages: stages(settings, preset.stages)?,
            labels: size(settings, "labels", preset.labels)?,
            channels: size(settings, "channels", preset.channels)?,
            hidden: size(settings, "hidden", preset.hidden)?,
            min_size: size(settings, "min_size", preset.min_size)?,
            max_size: size(settings, "max_size", preset.max_size)?,
            proposals: size(settings, "proposals", preset.proposals)?,
            detections: size(settings, "detections", preset.detections)?,
            nms: match settings.choice("nms", &["auto", "offset", "loop"])? {
                "offset" => Batching::Offset,
                "loop" => Batching::Loop,
                _ => Batching::Auto,
            },
        };
        if sizes.nms == Batching::Loop {
            small_size(settings, "labels", sizes.labels, DEEPEST)?;
        }
        if sizes.labels < 2 {
            return Err(BuildError::config(
                "setting labels must be at least 2: the background and one class",
            ));
        }
        Ok(sizes)
    }

    /// Height and width of the photographs: square, unless settings say otherwise.
    pub(super) fn original(
        &self,
        settings: &Settings,
        side: usize,
    ) -> Result<[usize; 2], BuildError> {
        Ok([
            size(settings, "height", side)?,
            size(settings, "width", side)?,
        ])
    }

    /// Height and width after resizing: the shorter side becomes `min_size`, unless the longer one would
    /// exceed `max_size`; sides are rounded down.
    pub(super) fn resized(&self, original: [usize; 2]) -> Result<[usize; 2], BuildError> {
        let [short, long] = [
            original[0].min(original[1]) as f64,
            original[0].max(original[1]) as f64,
        ];
        let scale = (self.min_size as f64 / short).min(self.max_size as f64 / long);
        let sides = original.map(|side| (side as f64 * scale).floor() as usize);
        if sides.contains(&0) {
            return Err(BuildError::config(format!(
                "photographs of {} x {} pixels shrink to nothing with max_size {}",
                original[1], original[0], self.max_size
            )));
        }
        Ok(sides)
    }
}
