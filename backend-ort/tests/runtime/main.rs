//! Tests that need ONNX Runtime's library: `cargo xtask test ort`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod build;
mod files;
mod hostile;
