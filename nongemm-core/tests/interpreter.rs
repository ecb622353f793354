//! The shared interpreter: right results, memory freed at the last use, shapes and errors recorded.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use common::{Add, Double, Ones, Positive, Scripted, Toy};
use nongemm_core::dtype::DType;
use nongemm_core::graph::{Graph, GraphBuilder, Init, peak_activation_bytes};
use nongemm_core::interpreter::Interpreter;
use nongemm_core::kernel::Kernels;
use nongemm_core::measure::{Limits, Mode, Probes, Recorder, SamplePlan, capture_shapes};
use nongemm_core::op::{OpInstance, OpRegistry};
use nongemm_core::plugin::{Device, PrepareOptions, Session, Settings};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::{HostData, HostTensor};

fn options(settings: &[(&str, &str)]) -> PrepareOptions {
    let pairs = settings
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    PrepareOptions {
        device: Device::Cpu,
        dtype: DType::F32,
        threads: 1,
        settings: Settings::new(pairs.collect::<BTreeMap<_, _>>()),
    }
}

/// x + w, doubled ten times, then only what is positive.
fn chain() -> Graph {
    let mut g = GraphBuilder::new(DType::F32);
    let x = g.input("x", TensorSpec::new(DType::F32, [4])).unwrap();
    let w = g.param("w", [4], Init::around(1.0, 0.0)).unwrap();
    let mut y = g.one(Add, &[x, w]).unwrap();
    for i in 0..10 {
        y = g.scope(&format!("h.{i}"), |g| g.one(Double, &[y])).unwrap();
    }
    let y = g.one(Positive, &[y]).unwrap();
    g.output("y", y);
    g.finish()
}

fn vector(values: &[f32]) -> HostTensor {
    HostTensor::new(vec![values.len()], HostData::F32(values.to_vec())).unwrap()
}

fn prepare(toy: Toy, settings: &[(&str, &str)]) -> Interpreter<Toy> {
    let kernels = Kernels::collect().unwrap();
    Interpreter::prepare(toy, &kernels, &chain(), &Ones, &options(settings)).unwrap()
}

#[test]
fn computes_and_frees_intermediates_at_their_last_use() {
    let toy = Toy::default();
    let (live, peak) = (toy.live.clone(), toy.peak.clone());
    let mut session = prepare(toy, &[("composites", "fused")]);
    session.bind(&[vector(&[0.0, -2.0, 1.0, -1.0])]).unwrap();
    let clock = Scripted::default();
    for _ in 0..3 {
        session
            .run(&mut Recorder::new(&clock, Mode::Off, 0))
            .unwrap();
        let outputs = session.outputs().unwrap();
        assert_eq!(outputs, [("y".to_owned(), vector(&[1024.0, 2048.0]))]);
    }
    // The input, the weight and the output stay; at most two intermediates live at a time.
    assert_eq!(live.get(), 3);
    assert_eq!(peak.get(), 4);
}

#[test]
fn both_levels_give_the_same_result() {
    for policy in ["reference", "fused", "parts"] {
        let mut session = prepare(Toy::default(), &[("composites", policy)]);
        session.bind(&[vector(&[0.0, 0.5, 1.0, 2.0])]).unwrap();
        session
            .run(&mut Recorder::new(&Scripted::default(), Mode::Off, 0))
            .unwrap();
        let expected = vector(&[1024.0, 1536.0, 2048.0, 3072.0]);
        assert_eq!(session.outputs().unwrap()[0].1, expected, "{policy}");
    }
}

#[test]
fn the_shapes_really_seen_are_captured() {
    let mut session = prepare(Toy::default(), &[]);
    session.bind(&[vector(&[0.0, -2.0, 1.0, -1.0])]).unwrap();
    let clock = Scripted::default();
    let plan = SamplePlan {
        limits: Limits::default(),
        clock: &clock,
        probes: Probes::default(),
        interrupted: &AtomicBool::new(false),
        inputs: &[],
        progress: &mut |_, _| {},
    };
    let shapes = capture_shapes(&mut session, &plan).unwrap().remove(0);
    let last = session.steps().len() as u32 - 1;
    assert_eq!(shapes[&last], [TensorSpec::new(DType::F32, [2])]);
    assert_eq!(shapes.len(), session.steps().len());
}

#[test]
fn a_failing_operator_is_named_with_its_scope_and_inputs() {
    let mut session = prepare(Toy::default(), &[]);
    session.bind(&[vector(&[f32::NAN, 0.0, 0.0, 0.0])]).unwrap();
    let error = session
        .run(&mut Recorder::new(&Scripted::default(), Mode::Off, 0))
        .unwrap_err();
    let message = format!("{error:#}");
    assert!(
        message.starts_with("test_positive(f32[4]) in "),
        "{message}"
    );
    assert!(message.ends_with(": not a number"), "{message}");
}

#[test]
fn wrong_inputs_are_refused() {
    let mut session = prepare(Toy::default(), &[]);
    let message = |inputs: &[HostTensor], session: &mut Interpreter<Toy>| {
        session.bind(inputs).unwrap_err().to_string()
    };
    assert_eq!(
        message(&[], &mut session),
        "the graph takes 1 inputs, got 0"
    );
    assert_eq!(
        message(&[vector(&[1.0])], &mut session),
        "input x must be f32[4], got f32[1]"
    );
    let unbound = session
        .run(&mut Recorder::new(&Scripted::default(), Mode::Off, 0))
        .unwrap_err();
    assert!(unbound.to_string().contains("not bound"), "{unbound}");
}

#[test]
fn a_wrong_setting_is_an_error() {
    let kernels = Kernels::collect().unwrap();
    let options = options(&[("composites", "some")]);
    let error = Interpreter::prepare(Toy::default(), &kernels, &chain(), &Ones, &options)
        .map(|_| ())
        .unwrap_err();
    assert!(error.to_string().contains("composites=some"), "{error}");
}

#[test]
fn peak_activations_are_those_alive_together() {
    // Input and two vectors of four floats; the symbolic output counts as empty.
    assert_eq!(peak_activation_bytes(&chain()), 3 * 16);
}

#[test]
fn an_operator_survives_being_written_down() {
    let registry = OpRegistry::collect().unwrap();
    let instance = OpInstance::new(&Double, &[TensorSpec::new(DType::F32, [4])]);
    let text = serde_json::to_string(&instance).unwrap();
    assert_eq!(
        text,
        r#"{"op":"test_double","inputs":[{"shape":[4],"dtype":"f32"}]}"#
    );
    let back: OpInstance = serde_json::from_str(&text).unwrap();
    assert_eq!(back, instance);
    assert_eq!(back.op(&registry).unwrap().name(), "test_double");
    let unknown = OpInstance {
        op: "test_duble".to_owned(),
        ..instance
    };
    assert_eq!(
        unknown.op(&registry).map(|_| ()).unwrap_err().to_string(),
        "unknown operator `test_duble`; did you mean `test_double`?"
    );
}
