//! Measured shares beside the paper's.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;

use common::{gpt2, stream, terminal, tiny};
use nongemm_core::plugin::Device;
use nongemm_core::record::{GroupShare, RunRecord};
use nongemm_report::PaperReporter;

/// A run with this non-GEMM share, of which two thirds are the group's.
fn run(model: &str, device: Device, batch: usize, group: &str, non_gemm: f64) -> RunRecord {
    let share = |share: f64| GroupShare {
        ns: share * 1e6,
        share,
        count: 1,
    };
    let mut run = gpt2();
    run.spec.model = model.to_owned();
    run.spec.backend = "torch".to_owned();
    run.spec.device = device;
    run.spec.batch = batch;
    run.id = format!("{model}-{device}-{batch}");
    run.groups = BTreeMap::from([
        ("gemm".to_owned(), share(1.0 - non_gemm)),
        (group.to_owned(), share(non_gemm * 2.0 / 3.0)),
        ("pooling".to_owned(), share(non_gemm / 3.0)),
    ]);
    run
}

#[test]
fn a_suite_beside_the_paper() {
    let runs = [
        run("vit-b16", Device::Cpu, 1, "normalization", 0.20),
        run("vit-b16", Device::Cuda(0), 1, "normalization", 0.62),
        run("vit-l16", Device::Cpu, 1, "normalization", 0.24),
        run("vit-l16", Device::Cuda(0), 1, "arithmetic", 0.45),
        run("gpt2", Device::Cuda(0), 1, "activation", 0.70),
        run("faster-rcnn", Device::Cpu, 1, "roi", 0.40),
    ];
    insta::assert_snapshot!(stream(&PaperReporter, &runs, terminal(120)));
}

#[test]
fn what_the_paper_does_not_have_is_said() {
    let text = stream(&PaperReporter, &[tiny()], terminal(80));
    assert_eq!(
        text,
        "none of these runs is of a model that the paper prints numbers of\n"
    );
}
