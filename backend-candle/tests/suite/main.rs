//! Tests of the candle backend through its public interface.

mod common;
mod composites;
mod conformance;
mod dtypes;
mod third_party;
