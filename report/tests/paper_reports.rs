//! The reports of the paper's section 3.2.4.

mod common;

use common::{failed, gpt2, stream, terminal, tiny};
use insta::assert_snapshot;
use nongemm_report::{NonGemmReporter, WorkloadReporter};

#[test]
fn workload() {
    let runs = [tiny(), gpt2(), failed()];
    assert_snapshot!(stream(&WorkloadReporter, &runs, terminal(100)));
}

#[test]
fn non_gemm() {
    let runs = [tiny(), gpt2(), failed()];
    assert_snapshot!(stream(&NonGemmReporter, &runs, terminal(100)));
}
