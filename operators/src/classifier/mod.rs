//! Classification of what runs.

mod aten;
mod inductor;
mod ir;

pub use aten::{AtenClassifier, aten_group};
pub use inductor::{InductorClassifier, fused_group};
pub use ir::IrClassifier;
