//! Preprocessors: samples to the tensors that a graph takes.

mod causal_text;
mod configuration;
mod detection;
mod image;
mod image_presets;
mod kinds;
mod masked_text;
mod photographs;
mod pixels;
mod processor;
mod recipe;
mod request;
mod rows;
mod values;

pub use causal_text::CausalText;
pub use detection::DetectionPreprocessor;
pub use image::{Filter, ImagePreprocessor, Resize};
pub use image_presets::{
    DETECTION_IMAGENET, DETECTION_UNIT, IMAGENET_BICUBIC, IMAGENET_EVAL_232, IMAGENET_EXACT,
    MASKFORMER_PADDED, UNIT_EXACT, VIT_HALF,
};
pub use masked_text::MaskedText;
