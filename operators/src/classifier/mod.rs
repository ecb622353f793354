//! Classification of what runs.

mod ir;

pub use ir::IrClassifier;
