//! Tests of the libtorch backends through their public interface.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod conformance;
mod errors;
mod script;
mod third_party;
mod views;
