//! Models compute what the reference implementation computes.

use crate::support::case::Case;
use crate::support::{flow, nothing};

/// Largest difference, relative to the largest magnitude of the expected output.
const TOLERANCE: f64 = 1e-5;

fn check(case: &Case, settings: &[(&str, &str)]) {
    let worst = flow::parity("ort", case, settings).unwrap();
    assert!(
        worst.relative <= TOLERANCE,
        "{} {settings:?}: {worst:?}",
        case.name
    );
}

#[test]
fn outputs_are_those_of_the_reference() {
    for case in Case::compared().unwrap() {
        check(&case, &[]);
    }
}

#[test]
fn detectors_find_nothing() {
    nothing::check("ort").unwrap();
}

#[test]
fn fused_attention_computes_the_same() {
    for case in Case::small() {
        let fused = case.with(&[("attention", "sdpa")]);
        // Models without attention know no such setting.
        if fused.graph().is_ok() {
            check(&fused, &[]);
        }
    }
}

#[test]
fn fused_composites_and_their_parts_compute_the_same() {
    for case in Case::small() {
        for composites in ["fused", "parts"] {
            check(&case, &[("composites", composites)]);
        }
    }
}

#[test]
fn every_level_of_optimization_computes_the_same() {
    for case in Case::small() {
        for level in ["disable", "basic", "extended"] {
            check(&case, &[("ort.optimization", level)]);
        }
    }
}
