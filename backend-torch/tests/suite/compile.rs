//! Every case of every operator, and models, as programs that TorchInductor compiled. A program takes
//! half a minute to compile, so cases share programs, and models are those that differ most in what they
//! run; `cargo xtask parity --small --backend torch:compile` compares all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use nongemm_core::conformance::{Skip, Suite, Together};
use nongemm_core::dtype::DType;
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::op::OpGroup;
use nongemm_core::plugin::{Backend, Classification, Device, OpEvent, Session, Step};

use nongemm_operators::CloneTensor;

use crate::support::case::Case;
use crate::support::{flow, golden, narrow, reference};

/// Cases that a compiled program does not pass, and why.
const SKIPS: &[Skip] = &[
    constant("empty/elements"),
    constant("empty/scalar"),
    constant("is_nonzero/bool"),
    constant("is_nonzero/integer"),
    constant("item/float"),
    constant("item/integer"),
];

const fn constant(case: &'static str) -> Skip {
    Skip {
        case,
        dtype: DType::F32,
        reason: "what the host reads or writes is a constant of a traced program",
    }
}

const SUITE: Suite<'_> = Suite {
    bool_as: DType::Bool,
    tolerance: 1e-4,
    skips: SKIPS,
    ..Suite::new(&nongemm_torch::Compile)
};

#[test]
fn compiled_programs_compute_what_the_reference_computes() {
    let together = Together {
        // More make the compiler slow.
        at_most: 60,
        copy: Arc::new(CloneTensor {}),
    };
    SUITE.outputs_together("reference", &together).unwrap();
}

/// Largest difference, relative to the largest magnitude of the expected output.
const TOLERANCE: f64 = 1e-4;

fn prepared(case: &Case) -> Box<dyn Session> {
    let graph = case.graph().unwrap();
    let options = flow::options(Device::Cpu, case.dtype, &[]).unwrap();
    let weights = flow::weights("synthetic:0").unwrap();
    let mut session = nongemm_torch::Compile
        .prepare(&graph, weights.as_ref(), &options)
        .unwrap();
    let inputs = flow::inputs_of(case.model().unwrap(), &graph, case.batch).unwrap();
    let inputs: Vec<_> = inputs.into_iter().map(|(_, tensor)| tensor).collect();
    session.bind(&inputs).unwrap();
    session
}

/// Outputs are the reference's, every kernel has a group, and a timed run closes.
fn check(model: &str) {
    let case = Case::small_of(model).unwrap();
    let mut session = prepared(&case);
    let clock = Monotonic::new();
    let mut recorder = Recorder::new(&clock, Mode::Timing, session.steps().len());
    session.run(&mut recorder).unwrap();
    recorder.check_closure().unwrap();
    assert_eq!(recorder.events().len(), session.steps().len());
    let unclassified: Vec<&Step> = session
        .steps()
        .iter()
        .filter(|step| group(step) == OpGroup::Unclassified)
        .collect();
    assert!(unclassified.is_empty(), "{model}: {unclassified:#?}");
    let expected = golden(&format!("{}.safetensors", case.name));
    let expected = reference::load(&expected).unwrap();
    let worst = flow::compare(&session.outputs().unwrap(), &expected).unwrap();
    assert!(worst.relative <= TOLERANCE, "{model}: {worst:?}");
}

fn group(step: &Step) -> OpGroup {
    let event = OpEvent {
        vocabulary: step.vocabulary,
        name: &step.op,
        attrs: &step.attrs,
        fused: &step.fused,
        op: step.kind.as_deref(),
        counted: step.counted,
    };
    let classification = Classification::new(BTreeMap::new()).unwrap();
    classification.group(&event)
}

#[test]
fn compiled_gpt2_computes_the_same() {
    check("gpt2");
}

#[test]
fn compiled_bert_computes_the_same() {
    check("bert");
}

#[test]
fn compiled_vit_computes_the_same() {
    check("vit-b16");
}

#[test]
fn compiled_swin_computes_the_same() {
    check("swin-t");
}

#[test]
fn compiled_segformer_computes_the_same() {
    check("segformer-b0");
}

#[test]
fn compiled_mixtral_computes_the_same() {
    check("mixtral-8x7b");
}

#[test]
fn compiled_mask_rcnn_computes_the_same() {
    check("mask-rcnn");
}

#[test]
fn compiled_programs_run_in_16_bit_types() {
    narrow::check_cases("torch:compile", &[Case::small_of("bert").unwrap()]).unwrap();
}
