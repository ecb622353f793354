//! Classification of what runs.

mod aten;
mod fused;
mod inductor;
mod ir;
mod onnx;

pub use ir::IrClassifier;
