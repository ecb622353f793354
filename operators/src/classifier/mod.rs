//! Classification of what runs.

mod aten;
mod inductor;
mod ir;

pub use ir::IrClassifier;
