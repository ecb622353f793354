//! Models compute what the reference implementation computes.

use nongemm_core::plugin::Domain;

use crate::support::case::Case;
use crate::support::{flow, narrow, nothing};

/// Largest difference, relative to the largest magnitude of the expected output.
const TOLERANCE: f64 = 1e-5;

fn check(backend: &str, case: &Case, settings: &[(&str, &str)]) {
    let worst = flow::parity(backend, case, settings).unwrap();
    assert!(
        worst.relative <= TOLERANCE,
        "{} on {backend} {settings:?}: {worst:?}",
        case.name
    );
}

#[test]
fn outputs_are_those_of_the_reference() {
    for case in Case::compared().unwrap() {
        check("torch", &case, &[]);
    }
}

#[test]
fn detectors_find_nothing() {
    for backend in ["torch", "torch:script"] {
        nothing::check(backend).unwrap();
    }
}

#[test]
fn fused_attention_computes_the_same() {
    for case in Case::small() {
        let fused = case.with(&[("attention", "sdpa")]);
        // Models without attention know no such setting.
        if fused.graph().is_ok() {
            check("torch", &fused, &[]);
        }
    }
}

#[test]
fn fused_composites_and_their_parts_compute_the_same() {
    for case in Case::small() {
        for composites in ["fused", "parts"] {
            check("torch", &case, &[("composites", composites)]);
        }
    }
}

#[test]
fn traced_programs_compute_the_same() {
    for case in Case::small() {
        check("torch:script", &case, &[]);
    }
}

#[test]
fn models_run_in_16_bit_types() {
    narrow::check("torch").unwrap();
}

/// A traced detector holds for as many boxes as it was traced with, which folding changes in 16 bits.
#[test]
fn traced_programs_run_in_16_bit_types() {
    let mut cases = Case::small();
    cases.retain(|case| case.model().unwrap().domain() != Domain::ObjectDetection);
    narrow::check_cases("torch:script", &cases).unwrap();
}
