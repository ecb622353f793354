//! Operators alone, on inputs that are made up for them.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nongemm_candle::CandleBackend;
use nongemm_core::conformance::{cases, options};
use nongemm_core::dtype::DType;
use nongemm_core::measure::{
    Clock, EnergyPlan, Limits, Meters, Mode, Monotonic, Probes, Recorder, SamplePlan,
};
use nongemm_core::op::{OpInstance, OpRegistry};
use nongemm_core::plugin::{EnergyKind, EnergyMeter, EnergySensor, Plugins};
use nongemm_core::registry::Call;
use nongemm_core::run::alone::{Alone, Beside, NotMeasured, measure, overhead};
use nongemm_core::run::energy::ALONE;
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
        runs(&call, &case.id(), &ops, &clock);
    }
}

/// The same for the entries of the shipped registry: of each operator the smallest call with operands of
/// each combination of types.
#[test]
fn every_operator_of_the_preset_takes_the_inputs_that_are_made_up_for_it() {
    let plugins = Plugins::collect().unwrap();
    let clock = Monotonic::new();
    let preset = plugins.presets.get("preset").unwrap().registry().unwrap();
    let mut smallest: BTreeMap<String, Call> = BTreeMap::new();
    for entry in preset.iter() {
        let call = &entry.call;
        let dtypes: Vec<DType> = entry.inputs().iter().map(|spec| spec.dtype).collect();
        let kind = format!("{}{dtypes:?}", call.instance.op);
        let known = smallest.entry(kind).or_insert_with(|| call.clone());
        if call.bytes() < known.bytes() {
            *known = call.clone();
        }
    }
    assert!(smallest.len() > 60, "{}", smallest.len());
    for (name, call) in smallest {
        runs(&call.instance, &name, &plugins.ops, &clock);
    }
}

fn runs(call: &OpInstance, name: &str, ops: &OpRegistry, clock: &Monotonic) {
    let alone = Alone::new(call, ops).unwrap_or_else(|e| panic!("{name}: {e:#}"));
    let session = alone.session(&CandleBackend, &options("fused"));
    let mut session = session.unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut plain = Recorder::new(clock, Mode::Off, 0);
    if let Err(error) = session.run(&mut plain) {
        panic!("{name}: {error:#}");
    }
    for (output, tensor) in session.outputs().unwrap() {
        // Filled with what the attributes say, infinities included.
        let filled = alone_decides(call);
        assert!(
            filled || tensor.data().is_finite(),
            "{name}: {output} is not finite"
        );
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
    let ten_watts: Box<dyn EnergyMeter> = Box::new(TenWatts::new());
    let mut meters = Meters::new(vec![("fake".to_owned(), ten_watts)]);
    let times = measure(
        &alone,
        &CandleBackend,
        &options,
        &mut plan,
        Beside {
            flush: Some(&mut flush),
            energy: Some((&mut meters, SHORT)),
        },
    )?;
    assert_eq!(times.cold.as_ref().map(|cold| cold.n), Some(flushes));
    Ok(times)
}

/// Windows that make a test short.
const SHORT: EnergyPlan = EnergyPlan {
    window: Duration::from_millis(20),
    idle: Duration::from_millis(10),
    poll: Duration::from_millis(1),
    ..ALONE
};

/// A counter that moves whenever it is read: ten joules a second of the time that has passed.
struct TenWatts(Monotonic, Vec<EnergySensor>);

impl TenWatts {
    fn new() -> Self {
        let sensor = EnergySensor {
            name: "all".to_owned(),
            domain: "all".to_owned(),
            part_of: None,
            kind: EnergyKind::Counter,
            resolution: 1e-9,
        };
        TenWatts(Monotonic::new(), vec![sensor])
    }
}

impl EnergyMeter for TenWatts {
    fn sensors(&self) -> &[EnergySensor] {
        &self.1
    }

    fn read(&mut self, values: &mut Vec<Option<f64>>) {
        values.push(Some(1e-8 * self.0.now() as f64));
    }
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
    assert!(times.outputs.is_empty(), "their sizes are known");
    let row = &times.energy[0];
    assert!(row.inferences >= times.hot.calls && row.inferences.is_multiple_of(times.hot.calls));
    // The sensor is read right before a window and right after it.
    let seconds = row.window_ns.iter().sum::<u64>() as f64 * 1e-9;
    let least = 10.0 * seconds / row.inferences as f64;
    assert!(row.gross_j_per_inference >= 0.999 * least, "{row:?}");
    assert!(row.idle_w >= 9.99 && row.windows == 2, "{row:?}");
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
    let times = measured(&nonzero).unwrap();
    let bytes = times.bytes.unwrap();
    let found = times.outputs[0].elements();
    assert_eq!(bytes, 1000 + 8 * found);
    assert!((1000 + 8 * 400..1000 + 8 * 600).contains(&bytes), "{bytes}");
}

#[test]
fn an_operator_that_writes_over_its_input_gets_it_back() {
    let attrs = serde_json::json!({"kind": "add", "inplace": true});
    let add = call("add", attrs, &[(DType::F32, &[64]), (DType::F32, &[64])]);
    let times = measured(&add).unwrap();
    assert_eq!(times.hot.calls, 1);
    assert_eq!((times.energy.len(), times.energy_left_out.len()), (0, 1));
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
