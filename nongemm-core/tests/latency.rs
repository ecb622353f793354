//! The latency profiler on a session whose times are known.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::Scripted;
use nongemm_core::measure::{
    LatencyProfiler, Limits, Mode, Probes, Recorder, SamplePlan, Stop, sample, time_batched,
};
use nongemm_core::op::{Attrs, OpGroup};
use nongemm_core::plugin::{Classification, OpEvent, OperatorClassifier, Profiler, Session, Step};
use nongemm_core::record::{self, UNATTRIBUTED};
use nongemm_core::register;
use nongemm_core::tensor::HostTensor;

struct TestNames;

impl OperatorClassifier for TestNames {
    fn id(&self) -> &'static str {
        "test-names"
    }

    fn classify(&self, event: &OpEvent<'_>) -> Option<OpGroup> {
        match event.name {
            "mm" => Some(OpGroup::Gemm),
            "norm" => Some(OpGroup::Normalization),
            _ => None,
        }
    }
}

register!(dyn OperatorClassifier, &TestNames);

/// Steps with fixed times, a gap before each, and a cost of recording each.
struct Fake {
    clock: Rc<Scripted>,
    steps: Vec<Step>,
    times: Vec<u64>,
    gap: u64,
    recording_cost: u64,
    runs: usize,
}

impl Fake {
    fn new(clock: &Rc<Scripted>, steps: &[(&str, u64)]) -> Self {
        Fake {
            clock: clock.clone(),
            steps: steps
                .iter()
                .enumerate()
                .map(|(i, (op, _))| Step {
                    id: format!("n{i}"),
                    scope: String::new(),
                    vocabulary: "test",
                    op: (*op).to_owned(),
                    kind: None,
                    counted: None,
                    parents: Vec::new(),
                    attrs: Attrs::new(),
                    inputs: Vec::new(),
                    outputs: Vec::new(),
                    fused: Vec::new(),
                    provider: None,
                })
                .collect(),
            times: steps.iter().map(|(_, ns)| *ns).collect(),
            gap: 10,
            recording_cost: 0,
            runs: 0,
        }
    }
}

impl Session for Fake {
    fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn bind(&mut self, _: &[HostTensor]) -> anyhow::Result<()> {
        Ok(())
    }

    fn run(&mut self, recorder: &mut Recorder<'_>) -> anyhow::Result<()> {
        self.runs += 1;
        // The first runs are slow, as caches are cold.
        let slow = if self.runs <= 3 {
            1_000_000 / self.runs as u64
        } else {
            0
        };
        recorder.begin();
        self.clock.advance(slow);
        for (index, ns) in self.times.iter().enumerate() {
            self.clock.advance(self.gap);
            let start = recorder.now();
            self.clock.advance(*ns);
            if recorder.mode() == Mode::Timing {
                recorder.push(index as u32, start, recorder.now());
                self.clock.advance(self.recording_cost);
            }
        }
        recorder.end();
        Ok(())
    }

    fn each_output(
        &mut self,
        _: &mut dyn FnMut(&str, HostTensor) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        Ok(())
    }
}

fn measure(
    fake: &mut Fake,
    limits: Limits,
    interrupted: &AtomicBool,
) -> anyhow::Result<nongemm_core::measure::Measurement> {
    let clock = fake.clock.clone();
    let mut plan = SamplePlan {
        limits,
        clock: clock.as_ref(),
        probes: Probes::default(),
        interrupted,
        inputs: &[],
        progress: &mut |_, _| {},
    };
    LatencyProfiler.profile(fake, &mut plan)
}

fn run(fake: &mut Fake, limits: Limits) -> nongemm_core::measure::Measurement {
    measure(fake, limits, &AtomicBool::new(false)).unwrap()
}

#[test]
fn closure_is_exact_and_shares_add_up() {
    let clock = Rc::new(Scripted::default());
    let mut fake = Fake::new(
        &clock,
        &[("mm", 700), ("norm", 200), ("who?", 0), ("norm", 60)],
    );
    let m = run(&mut fake, Limits::default());
    assert_eq!(m.plain_ns, vec![1000; 7]);
    let classification = Classification::new(BTreeMap::new()).unwrap();
    let profile = record::profile(&m, &BTreeMap::new(), &classification).unwrap();
    let sum: f64 = profile.ops.iter().map(|op| op.host_ns.median).sum();
    assert_eq!(sum + profile.unattributed_ns, profile.wall_median_ns);
    assert_eq!(profile.unattributed_ns, 40.0);
    // The operator of zero length is there, and so is the one that nobody knows.
    assert_eq!(profile.ops[2].host_ns.median, 0.0);
    assert_eq!(profile.ops[2].group, OpGroup::Unclassified);
    let groups = record::groups(&profile);
    assert_eq!(groups["gemm"].share, 0.7);
    assert_eq!(groups["normalization"].count, 2);
    assert_eq!(groups["unclassified"].count, 1);
    assert_eq!(groups[UNATTRIBUTED].ns, 40.0);
    let total: f64 = groups.values().map(|group| group.share).sum();
    assert!((total - 1.0).abs() < 1e-12, "{total}");
}

#[test]
fn perturbation_is_what_recording_costs() {
    let clock = Rc::new(Scripted::default());
    let mut fake = Fake::new(&clock, &[("mm", 990)]);
    fake.recording_cost = 60;
    let m = run(&mut fake, Limits::default());
    let classification = Classification::new(BTreeMap::new()).unwrap();
    let profile = record::profile(&m, &BTreeMap::new(), &classification).unwrap();
    assert!((profile.perturbation - 0.06).abs() < 1e-12);
    assert!(profile.unreliable);
    // The cost of recording is not the operator's.
    assert_eq!(profile.ops[0].host_ns.median, 990.0);
    assert_eq!(profile.unattributed_ns, 70.0);
}

#[test]
fn overrides_win_over_classifiers() {
    let overrides = BTreeMap::from([("norm".to_owned(), OpGroup::Arithmetic)]);
    let classification = Classification::new(overrides).unwrap();
    let attrs = Attrs::new();
    let event = |name| OpEvent {
        vocabulary: "test",
        name,
        attrs: &attrs,
        fused: &[],
        op: None,
        counted: None,
    };
    assert_eq!(classification.group(&event("norm")), OpGroup::Arithmetic);
    assert_eq!(classification.group(&event("mm")), OpGroup::Gemm);
    assert_eq!(classification.group(&event("x")), OpGroup::Unclassified);
}

#[test]
fn warm_up_goes_on_until_three_runs_agree() {
    let clock = Rc::new(Scripted::default());
    let mut fake = Fake::new(&clock, &[("mm", 990)]);
    let m = run(&mut fake, Limits::default());
    // One run discovers the steps, two more are slow, then three agree.
    assert_eq!(m.warmup_runs, 5);
    assert!(m.steady);
}

#[test]
fn each_limit_ends_the_sampling_and_is_named() {
    let clock = Rc::new(Scripted::default());
    let mut fake = Fake::new(&clock, &[("mm", 990)]);
    assert_eq!(run(&mut fake, Limits::default()).stop, Stop::TargetCi);
    let few = Limits {
        min_samples: 3,
        max_samples: 4,
        ..Limits::default()
    };
    let m = run(&mut fake, few);
    assert_eq!((m.stop, m.plain_ns.len()), (Stop::MaxSamples, 4));
    let short = Limits {
        min_samples: 1,
        max_time: Duration::from_nanos(1),
        ..Limits::default()
    };
    let m = run(&mut fake, short);
    assert_eq!((m.stop, m.plain_ns.len()), (Stop::MaxTime, 1));
    let interrupted = AtomicBool::new(false);
    interrupted.store(true, Ordering::Relaxed);
    let m = measure(&mut fake, Limits::default(), &interrupted).unwrap();
    assert_eq!((m.stop, m.plain_ns.len()), (Stop::Interrupted, 1));
}

#[test]
fn overlapping_events_are_refused() {
    let clock = Scripted::default();
    let mut recorder = Recorder::new(&clock, Mode::Timing, 2);
    recorder.begin();
    clock.advance(100);
    recorder.push(0, 10, 60);
    recorder.push(1, 50, 90);
    recorder.end();
    let error = recorder.check_closure().unwrap_err().to_string();
    assert!(error.contains("step 1"), "{error}");
}

#[test]
fn short_calls_are_timed_in_batches() {
    let clock = Scripted::default();
    let mut plan = SamplePlan {
        limits: Limits::default(),
        clock: &clock,
        probes: Probes::default(),
        interrupted: &AtomicBool::new(false),
        inputs: &[],
        progress: &mut |_, _| {},
    };
    // The first call is so slow that it would be long enough alone.
    let mut first = true;
    let mut call = || {
        clock.advance(if first { 1_000_000 } else { 3 });
        first = false;
        Ok(())
    };
    let times = time_batched(&mut plan, &mut call).unwrap();
    assert!(times.calls >= 256, "{}", times.calls);
    assert!(times.samples_ns.iter().all(|ns| *ns == 3.0));
    assert_eq!(times.stop, Stop::TargetCi);

    // A caller that times calls by itself.
    let mut one = || {
        clock.advance(1_000);
        Ok(3.0)
    };
    let times = sample(&mut plan, 1, &mut one).unwrap();
    assert_eq!((times.calls, times.median_ns, times.n), (1, 3.0, 7));
    let mut fails = || anyhow::bail!("broken");
    let error = time_batched(&mut plan, &mut fails).unwrap_err();
    assert_eq!(error.to_string(), "broken");
}
