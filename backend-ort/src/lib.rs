//! The `ort` flow: graphs as ONNX models on ONNX Runtime, and ONNX files from elsewhere.

mod profile;
pub mod proto;
mod runtime;
