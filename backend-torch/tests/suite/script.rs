//! Every case of every operator as a traced program.

use nongemm_core::dtype::DType;
use nongemm_operators::golden::suite::{Skip, Suite};

const WRITES: &str =
    "it adds to its input, and a program runs several times before its result is read";
const WRITTEN: &str = "what the host writes is a constant of a traced program";
const READS: &str = "what the host reads is a constant of a traced program";

/// Cases that a traced program does not pass, and why.
const SKIPS: &[Skip] = &[
    skip("add/in-place", WRITES),
    skip("empty/scalar", WRITTEN),
    skip("index_add_/columns", WRITES),
    skip("index_add_/rows", WRITES),
    skip("is_nonzero/bool", READS),
    skip("is_nonzero/integer", READS),
    skip("item/float", READS),
    skip("item/integer", READS),
];

const fn skip(case: &'static str, reason: &'static str) -> Skip {
    Skip {
        case,
        dtype: DType::F32,
        reason,
    }
}

const SUITE: Suite<'_> = Suite {
    backend: &nongemm_torch::Script,
    bool_as: DType::Bool,
    tolerance: 1e-6,
    skips: SKIPS,
};

#[test]
fn traced_programs_compute_what_the_reference_computes() {
    SUITE.outputs("reference").unwrap();
}

#[test]
fn traced_fused_composites_compute_it_too() {
    SUITE.outputs("fused").unwrap();
}
