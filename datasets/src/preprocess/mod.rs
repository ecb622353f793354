//! Preprocessors: samples to the tensors that a graph takes.

mod causal_text;
mod detection;
mod image;
mod image_presets;
mod masked_text;
mod pixels;
mod request;
mod rows;

pub use causal_text::CausalText;
pub use detection::DetectionPreprocessor;
pub use image::{Filter, ImagePreprocessor, Resize};
pub use image_presets::{
    DETECTION_IMAGENET, DETECTION_UNIT, IMAGENET_BICUBIC, IMAGENET_EVAL_232, IMAGENET_EXACT,
    MASKFORMER_PADDED, UNIT_EXACT, VIT_HALF,
};
pub use masked_text::MaskedText;
