//! Every case of every operator, compared with the reference implementation.

use nongemm_core::conformance::{Skip, Suite, Verdict, cases};
use nongemm_core::dtype::DType;
use nongemm_core::op::Eager;
use nongemm_core::plugin::{Backend, Device};
use nongemm_ort::Ort;

/// Cases that ONNX Runtime does not pass, and why.
const SKIPS: &[Skip] = &[
    no_kernel(
        "adaptive_avg_pool2d/even",
        "no kernel of AveragePool takes f64 on the CPU",
    ),
    no_kernel(
        "avg_pool2d/padded",
        "no kernel of AveragePool takes f64 on the CPU",
    ),
    no_kernel(
        "avg_pool2d/padding-apart",
        "no kernel of AveragePool takes f64 on the CPU",
    ),
    no_kernel(
        "avg_pool2d/plain",
        "no kernel of AveragePool takes f64 on the CPU",
    ),
    no_kernel("conv2d/depthwise", "no kernel of Conv takes f64 on the CPU"),
    no_kernel("conv2d/dilated", "no kernel of Conv takes f64 on the CPU"),
    no_kernel("conv2d/plain", "no kernel of Conv takes f64 on the CPU"),
    no_kernel("conv2d/pointwise", "no kernel of Conv takes f64 on the CPU"),
    no_kernel("conv2d/strided", "no kernel of Conv takes f64 on the CPU"),
    no_kernel(
        "conv_transpose2d/dilated",
        "no kernel of ConvTranspose takes f64 on the CPU",
    ),
    no_kernel(
        "conv_transpose2d/double",
        "no kernel of ConvTranspose takes f64 on the CPU",
    ),
    no_kernel(
        "conv_transpose2d/overlap",
        "no kernel of ConvTranspose takes f64 on the CPU",
    ),
    no_kernel("erf/plain", "no kernel of Erf takes f64 on the CPU"),
    no_kernel("gelu/exact", "no kernel of Erf takes f64 on the CPU"),
    no_kernel(
        "upsample_bilinear2d/corners",
        "no kernel of Resize takes f64 on the CPU",
    ),
    no_kernel(
        "upsample_bilinear2d/larger",
        "no kernel of Resize takes f64 on the CPU",
    ),
    no_kernel(
        "upsample_bilinear2d/one",
        "no kernel of Resize takes f64 on the CPU",
    ),
    no_kernel(
        "upsample_bilinear2d/smaller",
        "no kernel of Resize takes f64 on the CPU",
    ),
    no_kernel(
        "upsample_nearest2d/larger",
        "no kernel of Resize takes f64 on the CPU",
    ),
    no_kernel(
        "upsample_nearest2d/smaller",
        "no kernel of Resize takes f64 on the CPU",
    ),
];

/// ONNX Runtime has no kernel in `f64`.
const fn no_kernel(case: &'static str, reason: &'static str) -> Skip {
    Skip {
        case,
        dtype: DType::F64,
        reason,
    }
}

const SUITE: Suite<'_> = Suite {
    bool_as: DType::Bool,
    tolerance: 1e-5,
    skips: SKIPS,
    ..Suite::new(&Ort)
};

#[test]
fn no_operator_is_missing() {
    let report = SUITE.report().unwrap();
    report.check().unwrap();
    assert!(report.with(Verdict::Missing).is_empty(), "{report}");
}

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

/// Not even its products of matrices take it there.
#[test]
fn bf16_is_refused_on_the_cpu() {
    assert!(!Ort.check_device(Device::Cpu, DType::BF16).is_ready());
    let failures = SUITE.in_dtype(DType::BF16, 5e-2).unwrap_err();
    let failures = format!("{failures:?}");
    for case in ["linear/bias", "matmul/matrices", "conv2d/plain"] {
        assert!(
            failures.contains(case),
            "{case} passes; refuse bf16 no more"
        );
    }
}

#[test]
fn every_operator_that_the_reference_runs_as_one_call_has_a_form_or_parts() {
    for case in cases().unwrap() {
        let inputs: Vec<_> = case.inputs.iter().map(|input| input.spec.clone()).collect();
        let form = Ort.has_kernel(case.op.as_ref(), &inputs);
        let name = case.op.name();
        // Written as their parts: this version of ONNX has no such operators, or not in every type, or the
        // part is one operator already.
        let in_parts = [
            "scaled_dot_product_attention",
            "diff",
            "linalg_vector_norm",
            "clamp_min",
        ];
        let in_parts = in_parts.contains(&name);
        let one_call = case.op.eager() == Eager::Kernel;
        assert_eq!(form, !in_parts && (one_call || form), "{}", case.id());
    }
}
