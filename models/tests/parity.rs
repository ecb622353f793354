//! The candle backend computes what the reference implementation computes.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use nongemm_core::plugin::Device;
use support::case::Case;
use support::{flow, golden, reference};

/// Largest difference, relative to the largest magnitude of the expected output.
const TOLERANCE: f64 = 1e-4;

fn check(case: &Case) {
    let graph = case.graph().unwrap();
    let weights = flow::weights("synthetic:0").unwrap();
    let inputs = flow::inputs_of(case.model().unwrap(), &graph, case.batch).unwrap();
    let found = flow::run(
        "candle",
        Device::Cpu,
        &graph,
        case.dtype,
        weights.as_ref(),
        &inputs,
    );
    let expected = reference::load(&golden(&format!("{}.safetensors", case.name))).unwrap();
    let worst = flow::compare(&found.unwrap(), &expected).unwrap();
    let nothing = case.name.ends_with("-nothing");
    assert!(
        worst.scale > 0.1 || nothing,
        "{}: the outputs say nothing",
        case.name
    );
    assert!(worst.relative <= TOLERANCE, "{}: {worst:?}", case.name);
}

#[test]
fn outputs_are_those_of_the_reference() {
    Case::compared().unwrap().iter().for_each(check);
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
