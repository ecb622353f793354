//! The operator set of nongemm: shapes, costs, groups, decompositions and cases of operators named
//! after ATen's.
//!
//! One operator or family of operators per file. Each is a plain struct that holds the attributes
//! (ATen's names for them), registered by name, with a function that adds it to a graph:
//! `ops::linear(g, x, weight, Some(bias))?`. Families (`Activation`, `Unary`, `Binary`, ...) share a
//! struct and differ in a closed `kind`.
//!
//! Invariants: `infer` never panics, whatever the attributes and inputs; a view costs nothing; in
//! place means only that the result may be written over the first input, which nothing reads later.
//! An operator knows neither models nor backends.

mod activation;
mod arithmetic;
mod check;
mod classifier;
mod embedding;
mod gemm;
#[cfg(feature = "golden")]
pub mod golden;
mod inputs;
mod interpolation;
pub mod layers;
mod logit;
mod made;
mod memory;
mod mixed;
mod normalization;
mod other;
mod pooling;
mod preset;
mod roi;
mod scalar;

pub use activation::*;
pub use arithmetic::*;
pub use check::{promote, promote_scalar};
pub use classifier::IrClassifier;
pub use embedding::*;
pub use gemm::*;
pub use inputs::{AtenForm, FormError};
pub use interpolation::*;
pub use logit::*;
pub use memory::*;
pub use mixed::*;
pub use normalization::*;
pub use other::*;
pub use pooling::*;
pub use roi::*;
