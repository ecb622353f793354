//! Tests of ONNX emission, which need no library.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod export;
#[path = "../../../models/tests/support/mod.rs"]
mod support;
