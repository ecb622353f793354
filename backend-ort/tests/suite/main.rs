//! Tests of the ONNX Runtime backend through its public interface.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod checker;
mod export;
#[path = "../../../models/tests/support/mod.rs"]
mod support;
mod written;
