//! Every case of every operator, compared with the reference implementation.

use nongemm_candle::CandleBackend;
use nongemm_core::conformance::{Skip, Suite, Verdict, cases};
use nongemm_core::dtype::DType;
use nongemm_core::op::Eager;
use nongemm_core::plugin::Backend;

/// Cases that candle does not pass, and why.
const SKIPS: &[Skip] = &[];

const SUITE: Suite<'_> = Suite {
    // candle has no bool: its tensors of 0 and 1 are `u8`.
    bool_as: DType::U8,
    tolerance: 1e-4,
    skips: SKIPS,
    ..Suite::new(&CandleBackend)
};

#[test]
fn no_operator_is_missing() {
    let report = SUITE.report().unwrap();
    report.check().unwrap();
    assert!(report.with(Verdict::Missing).is_empty(), "{report}");
}

#[test]
fn kernels_compute_what_the_reference_computes() {
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
    SUITE.in_dtype(DType::F64, 1e-4).unwrap();
}

#[test]
fn f16() {
    SUITE.in_dtype(DType::F16, 1e-2).unwrap();
}

#[test]
fn bf16() {
    SUITE.in_dtype(DType::BF16, 8e-2).unwrap();
}

#[test]
fn the_reference_runs_parts_and_fused_runs_one_kernel() {
    let cases = cases().unwrap();
    let case = cases.iter().find(|case| case.op.name() == "new_gelu");
    let case = case.unwrap();
    assert_eq!(case.op.eager(), Eager::Module);
    let inputs: Vec<_> = case.inputs.iter().map(|input| input.spec.clone()).collect();
    assert!(CandleBackend.has_kernel(case.op.as_ref(), &inputs));
    assert_eq!(SUITE.steps(case, "fused").unwrap(), ["new_gelu"]);
    let parts = ["mul", "pow", "mul", "add", "mul", "tanh", "add", "mul"];
    assert_eq!(SUITE.steps(case, "reference").unwrap(), parts);
}
