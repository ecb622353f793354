//! Models.

use serde::{Deserialize, Serialize};

use super::dataset::Preprocessor;
use super::registry::plugin_kind;
use super::settings::Settings;
use crate::described::Described;
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
///
/// ```
/// use nongemm_core::graph::{BuildError, GraphBuilder};
/// use nongemm_core::plugin::{
///     DefaultSizes, Domain, Model, ModelConfig, Plugins, Preprocessor, Provenance,
/// };
/// use nongemm_core::shape::TensorSpec;
/// # use nongemm_core::op::{Cost, Op, OpGroup, OpTraits};
/// # use nongemm_core::shape::ShapeError;
/// # #[derive(Debug, serde::Serialize)]
/// # struct Scale { by: f64 }
/// # impl Op for Scale {
/// #     fn name(&self) -> &'static str { "scale" }
/// #     fn group(&self) -> OpGroup { OpGroup::Arithmetic }
/// #     fn traits(&self) -> OpTraits { OpTraits::NONE }
/// #     fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
/// #         Ok(vec![inputs[0].clone()])
/// #     }
/// #     fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
/// #         Cost::elementwise(1, inputs, outputs)
/// #     }
/// # }
/// # fn image_preprocessor() -> Box<dyn Preprocessor> { unimplemented!() }
///
/// /// Half as bright.
/// struct Dimmed;
///
/// impl Model for Dimmed {
///     fn id(&self) -> &'static str {
///         "dimmed"
///     }
///
///     fn domain(&self) -> Domain {
///         Domain::Other
///     }
///
///     fn provenance(&self) -> Provenance {
///         Provenance { checkpoint: "none", reference: "written here" }
///     }
///
///     fn sizes(&self) -> DefaultSizes {
///         DefaultSizes { image: Some(224), ..DefaultSizes::default() }
///     }
///
///     fn build(&self, g: &mut GraphBuilder, config: &ModelConfig) -> Result<(), BuildError> {
///         // `--set by=0.25` overrides the default.
///         let by = config.settings.get("by", 0.5)?;
///         let side = config.image()?;
///         let pixels = TensorSpec::new(config.dtype, [config.batch, 3, side, side]);
///         let pixels = g.input("pixel_values", pixels)?;
///         let dimmed = g.add(Scale { by }, &[pixels])?;
///         g.output("dimmed", dimmed[0]);
///         Ok(())
///     }
///
///     fn preprocessor(&self) -> Box<dyn Preprocessor> {
///         image_preprocessor()
///     }
/// }
///
/// nongemm_core::register!(dyn Model, &Dimmed);
///
/// let plugins = Plugins::collect()?;
/// assert_eq!(plugins.models.get("dimmed")?.sizes().image, Some(224));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

    /// What its file says, for a model that is described in one.
    fn described(&self) -> Option<&Described> {
        None
    }
}

plugin_kind!(Model, "model");
