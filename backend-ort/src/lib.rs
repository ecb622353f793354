//! The `ort` flow: graphs as ONNX models on ONNX Runtime, and ONNX files from elsewhere.

pub mod emit;
pub mod export;
mod exporter;
mod flows;
mod profile;
pub mod proto;
mod runtime;

pub use flows::Ort;

pub use exporter::OnnxExporter;

#[doc(hidden)]
pub use inventory;
