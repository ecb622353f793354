//! The `ort` flow: graphs as ONNX models on ONNX Runtime, and ONNX files from elsewhere.
//!
//! - [`emit`] and [`export`] write graphs as ONNX models; [`OnnxExporter`] offers that on the command line.
//! - [`Ort`] runs them, and any `.onnx` file, on the library that it finds at run time.
//! - [`replay`] makes models of single calls that were recorded.
//!
//! Invariants: nothing is linked against ONNX Runtime; without its library the backend says what is missing.
//! Times of operators are the profiler's own, none left out and none counted twice. What a file holds is
//! never trusted: it is parsed and checked here before ONNX Runtime sees it.

pub mod emit;
pub mod export;
mod exporter;
mod flows;
mod profile;
pub mod proto;
pub mod replay;
mod runtime;

pub use exporter::OnnxExporter;
pub use flows::Ort;

#[doc(hidden)]
pub use inventory;
