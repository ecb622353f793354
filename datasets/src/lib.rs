//! Datasets, preprocessors and sample data.
//!
//! A dataset yields photographs or passages of text; a preprocessor turns them into the tensors that
//! a graph takes, as the reference implementation does. The `sample` dataset is embedded, so that a
//! run needs no files.
//!
//! Invariants: pixels and token ids are real data, never random numbers; the n-th sample of a dataset
//! is the same on every run; what cannot be read is an error that names the file. This crate knows no
//! model and no backend: a model names the preprocessor that it wants.

mod decode;
mod preprocess;
mod readers;

pub use preprocess::{
    CausalText, DETECTION_IMAGENET, DETECTION_UNIT, DetectionPreprocessor, Filter,
    IMAGENET_BICUBIC, IMAGENET_EVAL_232, IMAGENET_EXACT, ImagePreprocessor, MASKFORMER_PADDED,
    MaskedText, Resize, UNIT_EXACT, VIT_HALF,
};
pub use readers::{ImageFolder, SampleData};
