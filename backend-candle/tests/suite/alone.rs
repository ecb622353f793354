//! Operators alone, on inputs that are made up for them.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nongemm_candle::CandleBackend;
use nongemm_core::conformance::{cases, options};
use nongemm_core::dtype::DType;
use nongemm_core::measure::{Limits, Mode, Monotonic, Probes, Recorder, SamplePlan};
use nongemm_core::op::{OpInstance, OpRegistry};
use nongemm_core::run::alone::{Alone, NotMeasured, measure, overhead};
use nongemm_core::shape::TensorSpec;

/// Every operator says what its inputs must hold: none of them fails on them or gives something that is
/// no number.
#[test]
fn every_operator_takes_the_inputs_that_are_made_up_for_it() {
    let ops = OpRegistry::collect().unwrap();
    let clock = Monotonic::new();
    for case in cases().unwrap() {
        let specs: Vec<TensorSpec> = case.inputs.iter().map(|i| i.spec.clone()).collect();
        let call = OpInstance::new(case.op.as_ref(), &specs);
        let alone = Alone::new(&call, &ops).unwrap();
        let session = alone.session(&CandleBackend, &options("fused"));
        let mut session = session.unwrap_or_else(|e| panic!("{}: {e}", case.id()));
        let mut plain = Recorder::new(&clock, Mode::Off, 0);
        if let Err(error) = session.run(&mut plain) {
            panic!("{}: {error:#}", case.id());
        }
        for (name, output) in session.outputs().unwrap() {
            // Filled with what the attributes say, infinities included.
            let filled = alone_decides(&call);
            assert!(
                filled || output.data().is_finite(),
                "{}: {name} is not finite",
                case.id()
            );
        }
    }
}

/// Whether the attributes of a call hold a number that is none.
fn alone_decides(call: &OpInstance) -> bool {
    let text = serde_json::to_string(&call.attrs).unwrap();
    text.contains("inf")
}

fn measured(call: &OpInstance) -> Result<nongemm_core::record::AloneTimes, NotMeasured> {
    let ops = OpRegistry::collect().unwrap();
    let alone = Alone::new(call, &ops).map_err(NotMeasured::Refused)?;
    let clock = Monotonic::new();
    let mut plan = SamplePlan {
        limits: Limits {
            max_time: Duration::from_millis(50),
            min_samples: 6,
            ..Limits::default()
        },
        clock: &clock,
        probes: Probes::default(),
        interrupted: &AtomicBool::new(false),
        inputs: &[],
        progress: &mut |_, _| {},
    };
    let empty = overhead(&CandleBackend, &options("fused"), &mut plan).unwrap();
    assert!(empty.median_ns > 0.0);
    let mut flushes = 0;
    let mut flush = || {
        flushes += 1;
        Ok(())
    };
    let options = options("reference");
    let times = measure(
        &alone,
        &CandleBackend,
        &options,
        &mut plan,
        Some(&mut flush),
    )?;
    assert_eq!(times.cold.as_ref().map(|cold| cold.n), Some(flushes));
    Ok(times)
}

fn call(op: &str, attrs: serde_json::Value, inputs: &[(DType, &[usize])]) -> OpInstance {
    OpInstance {
        op: op.to_owned(),
        attrs: attrs.as_object().unwrap().clone(),
        inputs: inputs
            .iter()
            .map(|(dtype, shape)| TensorSpec::new(*dtype, *shape))
            .collect(),
    }
}

#[test]
fn short_calls_are_batched_and_work_is_counted() {
    let softmax = call(
        "softmax",
        serde_json::json!({"dim": -1}),
        &[(DType::F32, &[4, 8])],
    );
    let times = measured(&softmax).unwrap();
    assert!(times.hot.calls > 1, "{:?}", times.hot);
    assert_eq!(times.bytes, Some(2 * 4 * 32));
    assert_eq!(times.device, None);
    assert_eq!(times.steps, ["softmax"]);
    assert!(times.host.min_ns > 0.0);
}

/// A composite runs as the reference runs it, and its parts are told.
#[test]
fn composites_run_in_parts() {
    let gelu = call("new_gelu", serde_json::json!({}), &[(DType::F32, &[4, 8])]);
    assert!(measured(&gelu).unwrap().steps.len() > 1);
}

/// Sizes that only the data decide come from the run.
#[test]
fn outputs_of_unknown_size_are_counted_as_they_come() {
    let nonzero = call("nonzero", serde_json::json!({}), &[(DType::Bool, &[1000])]);
    let bytes = measured(&nonzero).unwrap().bytes.unwrap();
    assert!((1000 + 8 * 400..1000 + 8 * 600).contains(&bytes), "{bytes}");
}

#[test]
fn an_operator_that_writes_over_its_input_gets_it_back() {
    let attrs = serde_json::json!({"kind": "add", "inplace": true});
    let add = call("add", attrs, &[(DType::F32, &[64]), (DType::F32, &[64])]);
    let times = measured(&add).unwrap();
    assert_eq!(times.hot.calls, 1);
}

#[test]
fn what_cannot_run_is_refused() {
    let reason = |call: &OpInstance| match measured(call) {
        Err(NotMeasured::Refused(error)) => format!("{error:#}"),
        other => panic!("{other:?}"),
    };
    let none = serde_json::json!({});
    let unknown = call("sotfmax", none.clone(), &[]);
    assert!(reason(&unknown).contains("unknown operator `sotfmax`"));
    let mut huge = call("clone", none.clone(), &[(DType::F32, &[1 << 42])]);
    assert!(reason(&huge).contains("MiB"), "{}", reason(&huge));
    huge.inputs = vec![TensorSpec::new(DType::F32, [usize::MAX, 2])];
    assert!(reason(&huge).contains("too large"), "{}", reason(&huge));
    let pair = call(
        "matmul",
        none,
        &[(DType::F32, &[2, 3]), (DType::F32, &[2, 3])],
    );
    assert!(!reason(&pair).is_empty());
}
