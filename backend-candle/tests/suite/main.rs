//! Tests of the candle backend through its public interface.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod alone;
mod conformance;
mod third_party;
