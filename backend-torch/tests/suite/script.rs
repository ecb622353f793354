//! Every case of every operator as a traced program.

use nongemm_core::conformance::{Skip, Suite};
use nongemm_core::dtype::DType;

/// Cases that a traced program does not pass, and why.
const SKIPS: &[Skip] = &[
    Skip {
        case: "is_nonzero/bool",
        dtype: DType::F32,
        reason: "what the host reads is a constant of a traced program",
    },
    Skip {
        case: "is_nonzero/integer",
        dtype: DType::F32,
        reason: "what the host reads is a constant of a traced program",
    },
    Skip {
        case: "empty/elements",
        dtype: DType::F32,
        reason: "numbers that Python writes into a tensor are a constant of a traced program",
    },
    Skip {
        case: "empty/scalar",
        dtype: DType::F32,
        reason: "its result depends on no input: a constant of a traced program",
    },
    Skip {
        case: "item/float",
        dtype: DType::F32,
        reason: "what the host reads is a constant of a traced program",
    },
    Skip {
        case: "item/integer",
        dtype: DType::F32,
        reason: "what the host reads is a constant of a traced program",
    },
];

const SUITE: Suite<'_> = Suite {
    bool_as: DType::Bool,
    tolerance: 1e-6,
    skips: SKIPS,
    ..Suite::new(&nongemm_torch::Script)
};

#[test]
fn traced_programs_compute_what_the_reference_computes() {
    SUITE.outputs("reference").unwrap();
}

#[test]
fn traced_fused_composites_compute_it_too() {
    SUITE.outputs("fused").unwrap();
}
