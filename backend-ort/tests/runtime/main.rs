//! Tests that need ONNX Runtime's library: `cargo xtask test ort`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod build;
mod checker;
mod conformance;
mod files;
mod hostile;
mod models;
mod replay;
#[path = "../../../models/tests/support/mod.rs"]
mod support;
mod written;
