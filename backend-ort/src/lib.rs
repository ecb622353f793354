//! The `ort` flow: graphs as ONNX models on ONNX Runtime, and ONNX files from elsewhere.

pub mod emit;
pub mod export;
mod exporter;
pub mod proto;

pub use exporter::OnnxExporter;

#[doc(hidden)]
pub use inventory;
