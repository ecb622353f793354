//! Tests of the libtorch backends through their public interface.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod compile;
mod conformance;
mod embedding;
mod errors;
mod file;
mod file_errors;
mod models;
mod published;
mod recorded;
mod script;
mod storage;
#[path = "../../../models/tests/support/mod.rs"]
mod support;
mod third_party;
mod views;
