//! The candle backend computes what the reference implementation computes.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use nongemm_candle as _;
use support::case::Case;
use support::{flow, nothing};

/// Largest difference, relative to the largest magnitude of the expected output.
const TOLERANCE: f64 = 1e-4;

fn check(case: &Case) {
    let worst = flow::parity("candle", case, &[]).unwrap();
    assert!(worst.relative <= TOLERANCE, "{}: {worst:?}", case.name);
}

#[test]
fn outputs_are_those_of_the_reference() {
    Case::compared().unwrap().iter().for_each(check);
}

#[test]
fn detectors_find_nothing() {
    nothing::check("candle").unwrap();
}

#[test]
fn fused_attention_computes_the_same() {
    for model in [
        "gpt2",
        "bert",
        "vit-b16",
        "swin-t",
        "segformer-b0",
        "llama3-8b",
    ] {
        let case = Case::small_of(model).unwrap();
        check(&case.with(&[("attention", "sdpa")]));
    }
}
