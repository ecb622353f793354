//! Models in 16-bit types on candle.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use nongemm_candle as _;
use support::narrow;

#[test]
fn models_run_in_16_bit_types() {
    narrow::check("candle").unwrap();
}
