//! The model zoo: published models as graphs of operators.
//!
//! One module per family, its variants as data. A graph holds the calls that the reference
//! implementation's eager code makes (transformers 5.17.0, torchvision 0.26.0), one node for each
//! operator that PyTorch dispatches, views and no-ops included, under the reference's module paths.
//! Parameters have the names of the reference's `state_dict`; where published checkpoints use other
//! names, those are aliases.
//!
//! Every model takes overrides of its configuration as settings, and `preset=small` for a tiny
//! configuration that tests run; overrides apply on top of the preset.
//!
//! Invariants: a model knows operators and the preprocessor that it wants, never a backend; an
//! impossible configuration is an error of one line, never a panic.
//!
//! The tests compare parameters, operators and outputs with what `models/reference/` says about the
//! reference implementation; `cargo run -p nongemm-models --example golden` writes the files that they
//! compare with.

mod attention;
mod bert;
mod gpt2;
mod masking;
mod mobilenet;
mod rcnn;
mod resnet;
mod settings;
mod vit;

pub use bert::{BERT, Bert};
pub use gpt2::{GPT2, GPT2_LARGE, GPT2_XL, Gpt2};
pub use mobilenet::{MOBILENET_V2, MobileNetV2};
pub use rcnn::{FASTER_RCNN, MASK_RCNN, Rcnn};
pub use resnet::{RESNET50, ResNet};
pub use vit::{VIT_B16, Vit};
