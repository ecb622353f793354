//! The `ort` flow: graphs as ONNX models on ONNX Runtime, and ONNX files from elsewhere.

pub mod emit;
pub mod export;
mod exporter;
mod profile;
pub mod proto;
mod runtime;

#[doc(hidden)]
pub use inventory;
