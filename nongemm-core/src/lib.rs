//! The core of nongemm: where the time of machine-learning inference goes.
//!
//! A [`graph`] of [`op`]erators is built by a model, run by a backend, timed by [`measure`] and
//! written down by [`record`]. Models, backends and everything else that varies are [`plugin`]s that
//! register themselves.
//!
//! Invariant: this crate names no model, operator, backend, probe or framework, and depends on none
//! of their libraries.

pub mod cache;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod dtype;
pub mod graph;
pub mod interpreter;
pub mod kernel;
pub mod manifest;
pub mod measure;
pub mod op;
pub mod plan;
pub mod plugin;
pub mod record;
pub mod registry;
pub mod rng;
pub mod run;
pub mod shape;
pub mod stats;
pub mod tensor;

#[doc(hidden)]
pub use inventory;
