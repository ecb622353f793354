//! Every case of every operator, compared with the reference implementation.

use nongemm_core::dtype::DType;
use nongemm_core::op::Eager;
use nongemm_core::plugin::{Backend, Device};
use nongemm_operators::golden::suite::{Skip, Suite, cases};
use nongemm_ort::Ort;

/// Cases that ONNX Runtime does not pass, and why.
const SKIPS: &[Skip] = &[
    no_f64("adaptive_avg_pool2d/even"),
    no_f64("avg_pool2d/padded"),
    no_f64("avg_pool2d/padding-apart"),
    no_f64("avg_pool2d/plain"),
    no_f64("conv2d/depthwise"),
    no_f64("conv2d/dilated"),
    no_f64("conv2d/plain"),
    no_f64("conv2d/pointwise"),
    no_f64("conv2d/strided"),
    no_f64("conv_transpose2d/dilated"),
    no_f64("conv_transpose2d/double"),
    no_f64("conv_transpose2d/overlap"),
    no_f64("erf/plain"),
    no_f64("gelu/exact"),
    no_f64("group_norm/images"),
    no_f64("group_norm/one-group"),
    no_f64("hardsigmoid/plain"),
    no_f64("hardswish/plain"),
    no_f64("softplus/default"),
    no_f64("softplus/linear-above-threshold"),
    no_f64("softplus/negative-beta"),
    no_f64("softplus/no-threshold"),
    no_f64("softplus/steep"),
    no_f64("upsample_bilinear2d/corners"),
    no_f64("upsample_bilinear2d/larger"),
    no_f64("upsample_bilinear2d/one"),
    no_f64("upsample_bilinear2d/smaller"),
    no_f64("upsample_nearest2d/larger"),
    no_f64("upsample_nearest2d/smaller"),
    no_f16("index_add_/columns"),
    no_f16("index_add_/rows"),
];

const fn no_f64(case: &'static str) -> Skip {
    Skip {
        case,
        dtype: DType::F64,
        reason: "ONNX Runtime has no f64 kernel of this operator on the processor",
    }
}

const fn no_f16(case: &'static str) -> Skip {
    Skip {
        case,
        dtype: DType::F16,
        reason: "ONNX Runtime adds no f16 numbers in ScatterElements on the processor",
    }
}

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
fn bf16_is_refused_on_the_processor() {
    let availability = Ort.check_device(Device::Cpu, DType::BF16);
    assert!(!availability.is_ready(), "{availability:?}");
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
