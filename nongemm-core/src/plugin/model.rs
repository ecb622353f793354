//! Models.

use serde::{Deserialize, Serialize};

use super::dataset::Preprocessor;
use super::registry::plugin_kind;
use super::settings::Settings;
use crate::dtype::DType;
use crate::graph::{BuildError, GraphBuilder};

/// What a model is for; the task domains of the paper's Table 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each variant is its own name")]
pub enum Domain {
    ImageClassification,
    ObjectDetection,
    ImageSegmentation,
    LanguageModel,
    Other,
}

impl Domain {
    /// Every domain, in the order of the paper's Table 1.
    pub const ALL: [Domain; 5] = [
        Domain::ImageClassification,
        Domain::ObjectDetection,
        Domain::ImageSegmentation,
        Domain::LanguageModel,
        Domain::Other,
    ];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Domain::ImageClassification => "image classification",
            Domain::ObjectDetection => "object detection",
            Domain::ImageSegmentation => "image segmentation",
            Domain::LanguageModel => "language model",
            Domain::Other => "other",
        }
    }
}

/// Where a model comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The published checkpoint whose configuration is the default.
    pub checkpoint: &'static str,
    /// The reference implementation: library, version and class.
    pub reference: &'static str,
}

/// The input sizes that a model runs at when none are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefaultSizes {
    /// Sequence length, for models that read text.
    pub seq: Option<usize>,
    /// Side of the square image in pixels, for models that read images.
    pub image: Option<usize>,
}

impl DefaultSizes {
    /// Square images with sides of so many pixels.
    pub const fn image(side: usize) -> Self {
        DefaultSizes {
            seq: None,
            image: Some(side),
        }
    }

    /// Texts of so many tokens.
    pub const fn text(tokens: usize) -> Self {
        DefaultSizes {
            seq: Some(tokens),
            image: None,
        }
    }
}

/// What a graph is built for.
#[derive(Clone, Debug)]
pub struct ModelConfig {
    /// Number of inputs that run together.
    pub batch: usize,
    /// Sequence length; `None` for models that read no text.
    pub seq: Option<usize>,
    /// Side of the image in pixels; `None` for models that read no images.
    pub image: Option<usize>,
    /// Floating-point type of weights and activations.
    pub dtype: DType,
    /// Overrides of the published configuration.
    pub settings: Settings,
}

impl ModelConfig {
    /// The sequence length.
    ///
    /// # Errors
    /// When the run has none.
    pub fn seq(&self) -> Result<usize, BuildError> {
        self.seq
            .ok_or_else(|| BuildError::config("the model needs a sequence length (--seq)"))
    }

    /// The side of the image in pixels.
    ///
    /// # Errors
    /// When the run has none.
    pub fn image(&self) -> Result<usize, BuildError> {
        self.image
            .ok_or_else(|| BuildError::config("the model needs an image size (--image)"))
    }
}

/// A model: builds its graph for a configuration.
pub trait Model: Send + Sync {
    /// The id that users name it by.
    fn id(&self) -> &'static str;

    /// What it is for.
    fn domain(&self) -> Domain;

    /// Where it comes from; nothing is published of it by default.
    fn provenance(&self) -> Provenance {
        Provenance {
            checkpoint: "none",
            reference: "none",
        }
    }

    /// The input sizes of a run that names none.
    fn sizes(&self) -> DefaultSizes;

    /// Adds inputs, parameters, nodes and outputs to `builder`.
    ///
    /// # Errors
    /// When the configuration is not possible.
    fn build(&self, builder: &mut GraphBuilder, config: &ModelConfig) -> Result<(), BuildError>;

    /// Turns samples into the graph's inputs.
    fn preprocessor(&self) -> Box<dyn Preprocessor>;
}

plugin_kind!(Model, "model");
