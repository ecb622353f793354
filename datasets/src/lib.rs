//! Datasets, preprocessors and sample data.
//!
//! A dataset yields photographs or passages of text; a preprocessor turns them into the tensors that
//! a graph takes, as the reference implementation does. The `sample` dataset is embedded, so that a
//! run needs no files.
//!
//! Invariants: pixels and token ids are real data, never random numbers; the n-th sample of a dataset
//! is the same on every run; readers hold one item at a time; what cannot be used is an error that names
//! the item, never a crash. This crate knows no
//! model and no backend: a model names the preprocessor that it wants.

mod decode;
mod preprocess;
mod readers;
mod tokenizer;

pub use preprocess::{
    CausalText, DETECTION_IMAGENET, DETECTION_UNIT, DetectionPreprocessor, Filter,
    IMAGENET_BICUBIC, IMAGENET_EVAL_232, IMAGENET_EXACT, ImagePreprocessor, MASKFORMER_PADDED,
    MaskedText, Resize, UNIT_EXACT, VIT_HALF,
};
pub use readers::{Coco, ImageFolder, ImageNet, ReadyTensors, SampleData, TextFiles, WikiText};
