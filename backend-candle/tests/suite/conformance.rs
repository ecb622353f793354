//! Every case of every operator, compared with the reference implementation.

use crate::common::{cases, difference, run, stored};
use nongemm_core::op::OpCase;
use nongemm_core::shape::Dim;
use nongemm_operators::golden;

/// Cases that candle does not pass, and why.
const SKIPS: &[(&str, &str)] = &[];

/// Runs the case and compares every output.
fn check(case: &OpCase, composites: &str) -> Result<(), String> {
    let expected = golden::outputs(&case.id()).map_err(|e| format!("{e:#}"))?;
    let run = run(case, composites).map_err(|e| format!("{e:#}"))?;
    if expected.len() != run.outputs.len() {
        return Err(format!(
            "{} outputs for {}",
            run.outputs.len(),
            expected.len()
        ));
    }
    let pairs = expected.iter().zip(&run.outputs).enumerate();
    let results = pairs.map(|(i, (expected, found))| {
        difference(expected, found).map_err(|e| format!("output {i}: {e}"))
    });
    results.collect()
}

fn skipped(id: &str) -> Option<&'static str> {
    SKIPS
        .iter()
        .find(|(case, _)| *case == id)
        .map(|(_, reason)| *reason)
}

fn conform(composites: &str) {
    let cases = cases();
    assert!(!cases.is_empty(), "no operator is linked");
    let mut failures = Vec::new();
    for case in cases {
        let id = case.id();
        match (check(&case, composites), skipped(&id)) {
            (Err(error), None) => failures.push(format!("{id}: {error}")),
            (Ok(()), Some(reason)) => {
                failures.push(format!("{id}: passes, but is skipped because {reason}"));
            }
            _ => {}
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn kernels_compute_what_the_reference_computes() {
    conform("fused");
}

#[test]
fn the_parts_of_composites_compute_it_too() {
    conform("parts");
}

#[test]
fn every_skip_names_a_case() {
    let known: Vec<String> = cases().iter().map(OpCase::id).collect();
    for (case, _) in SKIPS {
        assert!(known.iter().any(|id| id == case), "there is no case {case}");
    }
}

#[test]
fn produced_shapes_are_the_inferred_ones() {
    for case in cases().iter().filter(|case| skipped(&case.id()).is_none()) {
        let id = case.id();
        let run = run(case, "parts").unwrap();
        assert_eq!(run.steps.len(), run.produced.len(), "{id}");
        let steps = run
            .steps
            .iter()
            .flatten()
            .zip(run.produced.iter().flatten());
        for (inferred, produced) in steps {
            assert_eq!(
                stored(inferred.dtype),
                produced.dtype,
                "{id}: {inferred} {produced}"
            );
            assert_eq!(
                inferred.shape.rank(),
                produced.shape.rank(),
                "{id}: {inferred} {produced}"
            );
            for (inferred, produced) in inferred.shape.dims().iter().zip(produced.shape.dims()) {
                let symbolic = matches!(inferred, Dim::Symbol(_));
                assert!(
                    symbolic || inferred == produced,
                    "{id}: {inferred} {produced}"
                );
            }
        }
        for (inferred, output) in run.inferred.iter().zip(&run.outputs) {
            assert_eq!(inferred.shape.rank(), output.shape().len(), "{id}");
        }
    }
}
