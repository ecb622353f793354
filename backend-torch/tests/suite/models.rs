//! Models compute what the reference implementation computes.

use nongemm_core::dtype::DType;
use nongemm_core::plugin::{Device, Domain};

use crate::support::case::Case;
use crate::support::flow::{self, Tensors};
use crate::support::{golden, reference};

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

/// In 16 bits, relative to the largest magnitude of the reference's output in `f32`: some hundred operators,
/// each of which rounds to 11 or to 8 bits.
const HALVES: [(DType, f64); 2] = [(DType::F16, 2e-2), (DType::BF16, 1.5e-1)];

/// The outputs of a configuration in a type.
fn outputs(backend: &str, case: &Case, dtype: DType) -> Tensors {
    let case = Case {
        dtype,
        ..case.clone()
    };
    let graph = case.graph().unwrap();
    let options = flow::options(Device::Cpu, dtype, &[]).unwrap();
    let weights = flow::weights("synthetic:0").unwrap();
    let inputs = flow::inputs_of(case.model().unwrap(), &graph, case.batch).unwrap();
    flow::run(backend, &options, &graph, weights.as_ref(), &inputs).unwrap()
}

/// Outputs in 16 bits are finite, and near those of the reference in `f32`. What a detector keeps jumps
/// where scores are rounded, so that its outputs are only finite.
pub(crate) fn check_halves(backend: &str, case: &Case) {
    for (dtype, tolerance) in HALVES {
        let found = outputs(backend, case, dtype);
        for (name, tensor) in &found {
            let finite = tensor.data().to_f64().iter().all(|x| x.is_finite());
            assert!(finite, "{} in {dtype} on {backend}: {name}", case.name);
        }
        if case.model().unwrap().domain() == Domain::ObjectDetection {
            continue;
        }
        let expected = golden(&format!("{}.safetensors", case.name));
        let worst = flow::compare(&found, &reference::load(&expected).unwrap()).unwrap();
        assert!(
            worst.relative <= tolerance,
            "{} in {dtype} on {backend}: {worst:?}",
            case.name
        );
    }
}

#[test]
fn sixteen_bits_are_near() {
    for case in Case::small() {
        check_halves("torch", &case);
        // A traced detector holds for as many boxes as it was traced with, which rounding changes.
        if case.model().unwrap().domain() != Domain::ObjectDetection {
            check_halves("torch:script", &case);
        }
    }
}
