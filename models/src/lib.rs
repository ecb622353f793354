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
mod constant;
mod detr;
mod gpt2;
mod layout;
mod llama;
mod maskformer;
mod masking;
mod mobilenet;
mod published;
mod rcnn;
mod resnet;
mod segformer;
mod sentence_bert;
mod settings;
mod swin;
mod vit;

pub use bert::BERT;
pub use detr::DETR;
pub use gpt2::{GPT2, GPT2_LARGE, GPT2_XL};
pub use llama::{LLAMA2_7B, LLAMA3_8B, MIXTRAL_8X7B, QWEN2_5_0_5B};
pub use maskformer::MASKFORMER;
pub use mobilenet::{MOBILENET_V2, MobileNetV2};
pub use published::Published;
pub use rcnn::{FASTER_RCNN, MASK_RCNN, Rcnn};
pub use resnet::{RESNET50, ResNet};
pub use segformer::SEGFORMER_B0;
pub use sentence_bert::ALL_MINILM_L6_V2;
pub use swin::{SWIN_B, SWIN_S, SWIN_T};
pub use vit::{VIT_B16, VIT_H14, VIT_L16};
