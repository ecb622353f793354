//! ONNX Runtime itself: its library, sessions of models, tensors.

mod builder;
mod library;
mod options;
mod session;
mod tensors;

pub(crate) use builder::{Trial, try_loading};
pub(crate) use library::{PROVIDERS_REMEDY, library};
pub(crate) use options::{Optimization, Options, provider};
pub(crate) use session::{Loaded, optimized};
pub(crate) use tensors::{element_type, from_profile, upload};
