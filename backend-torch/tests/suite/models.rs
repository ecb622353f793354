//! Models compute what the reference implementation computes.

use crate::support::case::Case;
use crate::support::flow;

/// Largest difference, relative to the largest magnitude of the expected output.
const TOLERANCE: f64 = 1e-5;

fn check(case: &Case) {
    check_on("torch", case);
}

fn check_on(backend: &str, case: &Case) {
    let worst = flow::parity(backend, case).unwrap();
    assert!(
        worst.relative <= TOLERANCE,
        "{} on {backend}: {worst:?}",
        case.name
    );
}

#[test]
fn outputs_are_those_of_the_reference() {
    Case::small().iter().for_each(check);
}

#[test]
fn fused_attention_computes_the_same() {
    for case in Case::small() {
        let fused = case.with(&[("attention", "sdpa")]);
        // Models without attention know no such setting.
        if fused.graph().is_ok() {
            check(&fused);
        }
    }
}

#[test]
fn traced_programs_compute_the_same() {
    for case in Case::small() {
        check_on("torch:script", &case);
    }
}
