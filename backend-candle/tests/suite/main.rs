//! Tests of the candle backend through its public interface.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;
mod composites;
mod conformance;
mod dtypes;
mod third_party;
