//! What runs: the graph as an ONNX model, and model files from elsewhere.

mod backend;
mod file;
mod inputs;
mod model;
mod npz;
mod session;
mod trial;

pub use backend::Ort;
pub(crate) use file::prepare;
pub(crate) use inputs::{DeclaredInput, Size, element, fill};
