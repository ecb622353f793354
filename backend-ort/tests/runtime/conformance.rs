//! Every case of every operator, compared with the reference implementation.

use nongemm_core::dtype::DType;
use nongemm_core::op::Eager;
use nongemm_core::plugin::Backend;
use nongemm_operators::golden::suite::{Skip, Suite, cases};
use nongemm_ort::Ort;

/// Cases that ONNX Runtime does not pass, and why.
const SKIPS: &[Skip] = &[];

const SUITE: Suite<'_> = Suite {
    backend: &Ort,
    bool_as: DType::Bool,
    tolerance: 1e-5,
    skips: SKIPS,
};

#[test]
fn operators_compute_what_the_reference_computes() {
    SUITE.outputs("reference").unwrap();
}

#[test]
fn fused_composites_compute_it_too() {
    SUITE.outputs("fused").unwrap();
}

#[test]
fn the_parts_of_composites_compute_it_too() {
    SUITE.outputs("parts").unwrap();
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
fn every_operator_that_the_reference_runs_as_one_call_has_a_form_or_parts() {
    for case in cases().unwrap() {
        let inputs: Vec<_> = case.inputs.iter().map(|input| input.spec.clone()).collect();
        let form = Ort.has_kernel(case.op.as_ref(), &inputs);
        let name = case.op.name();
        // Written as their parts: this version of ONNX has no such operators.
        let in_parts = ["scaled_dot_product_attention", "diff"].contains(&name);
        let one_call = case.op.eager() == Eager::Kernel;
        assert_eq!(form, !in_parts && (one_call || form), "{}", case.id());
    }
}
