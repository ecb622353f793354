//! Every case of every operator, compared with the reference implementation.

use nongemm_core::conformance::{Skip, Suite, Verdict, cases};
use nongemm_core::dtype::DType;
use nongemm_core::op::Eager;
use nongemm_core::plugin::Backend;

/// Cases that libtorch does not pass, and why.
const SKIPS: &[Skip] = &[];

const SUITE: Suite<'_> = Suite {
    bool_as: DType::Bool,
    tolerance: 1e-6,
    skips: SKIPS,
    ..Suite::new(&nongemm_torch::Eager)
};

#[test]
fn no_operator_is_missing() {
    let report = SUITE.report().unwrap();
    report.check().unwrap();
    assert!(report.with(Verdict::Missing).is_empty(), "{report}");
}

#[test]
fn kernels_compute_what_the_reference_computes() {
    SUITE.outputs("reference").unwrap();
}

#[test]
fn fused_composites_compute_it_too() {
    SUITE.outputs("fused").unwrap();
}

#[test]
fn the_parts_of_composites_compute_it_too() {
    SUITE.outputs("parts").unwrap();
    SUITE.composites().unwrap();
}

#[test]
fn produced_shapes_are_the_inferred_ones() {
    SUITE.shapes().unwrap();
}

#[test]
fn f64() {
    SUITE.in_dtype(DType::F64, 1e-5).unwrap();
}

#[test]
fn f16() {
    SUITE.in_dtype(DType::F16, 1e-2).unwrap();
}

#[test]
fn bf16() {
    SUITE.in_dtype(DType::BF16, 5e-2).unwrap();
}

#[test]
fn the_reference_runs_parts_and_fused_runs_one_kernel() {
    let cases = cases().unwrap();
    let case = cases
        .iter()
        .find(|case| case.op.name() == "new_gelu")
        .unwrap();
    assert_eq!(case.op.eager(), Eager::Module);
    assert_eq!(SUITE.steps(case, "fused").unwrap(), ["new_gelu"]);
    let parts = ["mul", "pow", "mul", "add", "mul", "tanh", "add", "mul"];
    assert_eq!(SUITE.steps(case, "reference").unwrap(), parts);
}

#[test]
fn every_operator_that_the_reference_runs_as_one_call_has_a_kernel() {
    for case in cases().unwrap() {
        let inputs: Vec<_> = case.inputs.iter().map(|input| input.spec.clone()).collect();
        let kernel = nongemm_torch::Eager.has_kernel(case.op.as_ref(), &inputs);
        let one_call = case.op.eager() == Eager::Kernel;
        assert!(kernel || !one_call, "{} has no kernel", case.id());
    }
}
