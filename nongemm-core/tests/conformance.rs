//! The table that a backend gets.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::Toy;
use nongemm_core::conformance::{Report, Skip, Suite, Verdict};
use nongemm_core::dtype::DType;
use nongemm_core::graph::Graph;
use nongemm_core::interpreter::Interpreter;
use nongemm_core::kernel::Kernels;
use nongemm_core::op::Op;
use nongemm_core::plugin::{
    Availability, Backend, Device, PrepareError, PrepareOptions, Session, Settings, WeightSource,
};
use nongemm_core::shape::TensorSpec;

/// The toy engine as a backend; one of its kernels may be off.
struct ToyBackend {
    off: f32,
}

impl Backend for ToyBackend {
    fn id(&self) -> &'static str {
        "toy"
    }

    fn summary(&self) -> &'static str {
        "vectors"
    }

    fn check(&self) -> Availability {
        Availability::ready("")
    }

    fn check_device(&self, _: Device, _: DType) -> Availability {
        Availability::ready("")
    }

    fn versions(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    fn environment(&self, _: usize) -> Vec<(String, String)> {
        Vec::new()
    }

    fn check_settings(&self, _: &Settings) -> anyhow::Result<()> {
        Ok(())
    }

    fn has_kernel(&self, op: &dyn Op, inputs: &[TensorSpec]) -> bool {
        let kernels = Kernels::<Toy>::collect().unwrap();
        kernels.find(op, inputs).is_some()
    }

    fn prepare(
        &self,
        graph: &Graph,
        weights: &dyn WeightSource,
        options: &PrepareOptions,
    ) -> Result<Box<dyn Session>, PrepareError> {
        let engine = Toy {
            off: self.off,
            ..Toy::default()
        };
        let kernels = Kernels::collect()?;
        let session = Interpreter::prepare(engine, &kernels, graph, weights, options)?;
        Ok(Box::new(session))
    }
}

fn report(off: f32, skips: &[Skip]) -> Report {
    let backend = ToyBackend { off };
    let suite = Suite {
        skips,
        ..Suite::new(&backend)
    };
    suite.report().unwrap()
}

#[test]
fn operators_are_supported_decomposed_or_missing() {
    let report = report(0.0, &[]);
    report.check().unwrap();
    assert_eq!(
        report.with(Verdict::Supported),
        ["test_add", "test_double", "test_positive"]
    );
    assert_eq!(report.with(Verdict::Decomposed), ["test_quadruple"]);
    assert_eq!(report.with(Verdict::Missing), ["test_mystery"]);
    let text = report.to_string();
    let line = |name: &str| {
        text.lines()
            .find(|line| line.starts_with(name))
            .unwrap()
            .to_owned()
    };
    let words = |line: String| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        words(line("test_double")),
        ["test_double", "activation", "1", "-", "-", "-", "0e0"]
    );
    assert_eq!(
        line("toy:"),
        "toy: 5 operators, 3 supported, 1 decomposed, 1 missing, 0 wrong"
    );
}

#[test]
fn a_kernel_that_is_off_is_wrong_and_so_is_what_it_is_a_part_of() {
    let report = report(0.5, &[]);
    assert_eq!(
        report.with(Verdict::Wrong),
        ["test_double", "test_quadruple"]
    );
    let error = format!("{:?}", report.check().unwrap_err());
    assert!(error.contains("test_double/case: off by"), "{error}");
}

#[test]
fn a_panic_is_a_failure_of_its_case() {
    let report = report(f32::INFINITY, &[]);
    assert_eq!(
        report.with(Verdict::Supported),
        ["test_add", "test_positive"]
    );
    assert!(
        report.wrong[0].contains("the kernel of the crate test panicked: too far off"),
        "{report}"
    );
}

#[test]
fn skips_are_told_and_stale_ones_are_wrong() {
    let skip = |case| Skip {
        case,
        dtype: DType::F32,
        reason: "half a unit off",
    };
    let skips = [
        "test_add/case",
        "test_double/case",
        "test_quadruple/case",
        "gone/case",
    ]
    .map(skip);
    let report = report(0.5, &skips);
    assert_eq!(report.known.len(), 2, "{report}");
    let wrong = report.wrong.join("\n");
    assert!(
        wrong.contains("test_add/case: passes, but is skipped"),
        "{wrong}"
    );
    assert!(
        wrong.contains("gone/case: is skipped, but there is no such case"),
        "{wrong}"
    );
}

/// Nothing passes for want of cases.
#[test]
fn a_crate_without_operators_is_an_error() {
    let backend = ToyBackend { off: 0.0 };
    let suite = Suite {
        krate: Some("nobody"),
        ..Suite::new(&backend)
    };
    assert!(suite.report().is_err());
    assert!(suite.outputs("fused").is_err());
}
