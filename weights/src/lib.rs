//! Weight sources: where the parameters of a model come from.
//!
//! | `--weights` | source |
//! |---|---|
//! | `synthetic`, `synthetic:SEED` | [`Synthetic`]: reproducible random values |
//! | `hf:ORG/NAME[@REVISION]` | [`HuggingFace`]: a checkpoint of the hub, through its cache |
//! | a file or folder | [`Safetensors`] or [`Pytorch`]: a published checkpoint |
//!
//! All register themselves as weight formats. A crate that is only listed in `Cargo.toml` is not
//! linked and registers nothing: a binary needs `use nongemm_weights as _;`.
//!
//! Invariants: weights are data, never code; a damaged or hostile file is an error, never a panic;
//! loading a tensor holds one copy of it and no second one. A source knows parameters by name, shape
//! and dtype, and neither models nor backends.

mod checkpoint;
mod element;
mod hub;
mod pytorch;
mod safetensors;
mod synthetic;

pub use hub::{Hub, HuggingFace};
pub use pytorch::Pytorch;
pub use safetensors::Safetensors;
pub use synthetic::{Synthetic, SyntheticWeights};

/// The file formats of checkpoints, the preferred one first.
const KINDS: &[checkpoint::Kind] = &[safetensors::KIND, pytorch::KIND];
