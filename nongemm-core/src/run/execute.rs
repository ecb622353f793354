//! The path of one run: build, load, bind, measure, check, record.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::energy;
use super::inputs;
use super::machine;
use super::outputs::{self, OutputsTask};
use crate::graph::peak_activation_bytes;
use crate::measure::{
    Limits, Measurement, Mode, Monotonic, Probes, Recorder, SamplePlan, Stop, capture_shapes,
    wait_quiet,
};
use crate::op::OpGroup;
use crate::plan::{Checked, CheckedRun, check_any, run_id};
use crate::plugin::{
    Classification, HardwareProbe, Plugins, PrepareOptions, Quantity, Reading, Registered, Sampler,
    Settings, split_location,
};
use crate::record::{
    self, Energy, Memory, ModelInfo, Phases, RunRecord, RunSpec, SCHEMA, Software, Status, Turns,
    Weights,
};

/// Everything that a worker process needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// What to run.
    pub spec: RunSpec,
    /// [`Limits::target_ci`].
    pub target_ci: f64,
    /// [`Limits::max_time`] in nanoseconds.
    pub max_time_ns: u64,
    /// [`Limits::min_samples`].
    pub min_samples: usize,
    /// [`Limits::max_samples`].
    pub max_samples: usize,
    /// [`Limits::max_warmup`] in nanoseconds.
    pub max_warmup_ns: u64,
    /// Group overrides by operator name.
    pub classify: BTreeMap<String, OpGroup>,
    /// What to do with the outputs beside checking them.
    pub outputs: Option<OutputsTask>,
    /// Whether energy is measured, where there is a sensor.
    pub energy: bool,
    /// How long to wait for a calm machine before the first sample, in nanoseconds; null: not at all.
    pub wait_quiet_ns: Option<u64>,
}

impl Job {
    /// The job for one run of a plan.
    pub fn new(spec: RunSpec, limits: &Limits, classify: &BTreeMap<String, OpGroup>) -> Self {
        Job {
            spec,
            outputs: None,
            energy: true,
            wait_quiet_ns: None,
            target_ci: limits.target_ci,
            max_time_ns: limits.max_time.as_nanos() as u64,
            min_samples: limits.min_samples,
            max_samples: limits.max_samples,
            max_warmup_ns: limits.max_warmup.as_nanos() as u64,
            classify: classify.clone(),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            target_ci: self.target_ci,
            max_time: Duration::from_nanos(self.max_time_ns),
            min_samples: self.min_samples,
            max_samples: self.max_samples,
            max_warmup: Duration::from_nanos(self.max_warmup_ns),
        }
    }
}

/// What a run tells while it goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "event")]
pub enum Event {
    /// A new phase began.
    Phase {
        /// Its name.
        name: String,
    },
    /// A pair of samples was taken.
    Sample {
        /// Number so far.
        n: usize,
        /// Relative half-width of the interval, if known.
        half_width: Option<f64>,
    },
}

/// The phase of all that is timed, warm-up included; everything is loaded when it begins.
pub const MEASURING: &str = "measuring";

/// Memory that a worker needs beside weights and activations.
const OVERHEAD_BYTES: u64 = 300 << 20;

/// The record of a run that gave no result.
pub fn failed(spec: &RunSpec, error: String) -> RunRecord {
    RunRecord {
        schema: SCHEMA,
        id: run_id(spec),
        spec: spec.clone(),
        machine: machine::describe(),
        software: Software {
            nongemm: env!("CARGO_PKG_VERSION").to_owned(),
            backend: spec.backend.clone(),
            libraries: BTreeMap::new(),
            modes: BTreeMap::new(),
        },
        status: Status::Failed,
        error: Some(error),
        started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        model: None,
        weights: None,
        turns: None,
        latency: None,
        profile: None,
        groups: BTreeMap::new(),
        memory: None,
        energy: None,
        energy_left_out: Vec::new(),
        noise: None,
        checks: None,
        phases: None,
        inputs: None,
    }
}

/// Runs a job in this process. Never fails: what goes wrong is in the record.
pub fn execute(
    job: &Job,
    plugins: &Plugins,
    interrupted: &AtomicBool,
    events: &mut dyn FnMut(Event),
) -> RunRecord {
    let mut record = failed(&job.spec, String::new());
    for probe in plugins.probes.iter() {
        probe.act(|probe| probe.reset());
    }
    let mut run = || run(job, plugins, interrupted, events, &mut record);
    let result = match plugins.backends.find(&job.spec.backend) {
        Ok(backend) => backend.act(|_| run()),
        Err(_) => run(),
    };
    match result {
        Ok(()) => {
            record.status = Status::Ok;
            record.error = None;
        }
        Err(error) => record.error = Some(format!("{error:#}")),
    }
    record
}

fn elapsed(since: Instant) -> u64 {
    since.elapsed().as_nanos() as u64
}

fn run(
    job: &Job,
    plugins: &Plugins,
    interrupted: &AtomicBool,
    events: &mut dyn FnMut(Event),
    record: &mut RunRecord,
) -> anyhow::Result<()> {
    let spec = &job.spec;
    let mut phase = |name: &str| {
        events(Event::Phase {
            name: name.to_owned(),
        });
        Instant::now()
    };
    let mut phases = Phases::default();

    let options = |settings: &Settings| PrepareOptions {
        device: spec.device,
        dtype: spec.dtype,
        threads: spec.threads,
        settings: settings.clone(),
    };
    let mut memory = Memory::default();
    let mut inputs = Vec::new();
    let since = phase("building the graph");
    let checked = check_any(spec, plugins).map_err(anyhow::Error::from)?;
    let mut session = match &checked {
        Checked::Graph(checked) => {
            record.software.libraries = checked.backend.versions().into_iter().collect();
            record.model = Some(model_info(checked));
            memory.weights_bytes = checked.graph.weight_bytes();
            memory.activation_bytes = peak_activation_bytes(&checked.graph);
            record.memory = Some(memory);
            check_memory(spec, &memory)?;
            phases.build_ns = elapsed(since);

            let since = phase("preparing inputs");
            let mut turns = Turns::default();
            let read;
            let dataset = plugins.datasets.find(split_location(&spec.dataset).0)?;
            (inputs, read, turns.inputs) = dataset.act(|_| inputs::read(checked, spec))?;
            record.inputs = Some(read);
            record.turns = (spec.inputs > 1).then_some(turns);
            phases.inputs_ns = elapsed(since);

            let since = phase("loading weights");
            let options = options(&checked.settings);
            let weights = checked.weights.as_ref();
            let mut session = checked.backend.prepare(&checked.graph, weights, &options)?;
            let first = inputs.first().context("a run needs an input")?;
            session.bind(first).context("binding inputs")?;
            if spec.inputs == 1 {
                // The session has its own copy.
                inputs.clear();
            }
            record.weights = Some(Weights {
                source: weights.describe(),
                files: Vec::new(),
            });
            phases.prepare_ns = elapsed(since);
            session
        }
        Checked::File(checked) => {
            record.software.libraries = checked.backend.versions().into_iter().collect();
            phases.build_ns = elapsed(since);

            let since = phase("loading the model file");
            let options = options(&checked.settings);
            let session = checked.backend.prepare_file(&checked.path, &options)?;
            let file_bytes = || checked.path.metadata().map_or(0, |data| data.len());
            let weights_bytes = session.memory().weights_bytes;
            memory.weights_bytes = weights_bytes.unwrap_or_else(file_bytes);
            record.memory = Some(memory);
            phases.prepare_ns = elapsed(since);
            session
        }
    };
    record.software.modes = session.modes().into_iter().collect();

    let since = phase(MEASURING);
    let clock = Monotonic::new();
    let mut progress = |n, half_width| events(Event::Sample { n, half_width });
    let mut plan = SamplePlan {
        limits: job.limits(),
        clock: &clock,
        probes: start_probes(plugins),
        interrupted,
        inputs: &inputs,
        progress: &mut progress,
    };
    let shapes = capture_shapes(session.as_mut(), &plan)?;
    let first = shapes.first().cloned().unwrap_or_default();
    let declared = match &checked {
        Checked::Graph(checked) => Some(&checked.graph),
        Checked::File(_) => None,
    };
    let mut checks = outputs::check(session.as_mut(), declared)?;
    record.checks = Some(checks.clone());
    let profiler = plugins.profilers.get("latency")?;
    let waited = job.wait_quiet_ns.map(|ns| {
        let limit = Duration::from_nanos(ns);
        let pause = &std::thread::sleep;
        wait_quiet(&mut plan.probes, &clock, pause, limit, interrupted)
    });
    let m = profiler.profile(session.as_mut(), &mut plan)?;
    phases.measure_ns = elapsed(since);
    record.phases = Some(phases);

    let classification = Classification::new(job.classify.clone())?;
    record.latency = record::latency(&m);
    if let Some(turns) = &mut record.turns {
        turns.measured(&m, &shapes);
    }
    record.profile = record::profile(&m, &first, &classification);
    record.groups = record
        .profile
        .as_ref()
        .map(record::groups)
        .unwrap_or_default();
    let mut noise = record::noise(&m);
    noise.waited_ns = waited.map(|waited| waited.ns);
    noise.was_calm = waited.map(|waited| waited.calm);
    record.noise = Some(noise);
    memory.peak_rss_bytes = m
        .gauges
        .get(&Quantity::PeakRssBytes)
        .map(|bytes| *bytes as u64);
    let device = session.memory();
    memory.peak_device_bytes = device.peak_device_bytes;
    memory.peak_reserved_bytes = device.peak_reserved_bytes;
    record.memory = Some(memory);
    if let [first, _, ..] = inputs.as_slice() {
        // Energy is that of the first input, and flows are compared on it.
        session.bind(first)?;
        session.run(&mut Recorder::new(&clock, Mode::Off, 0))?;
    }
    if job.energy {
        let mut phase = |name: &str| {
            events(Event::Phase {
                name: name.to_owned(),
            });
        };
        energy::measure(plugins, session.as_mut(), interrupted, &mut phase, record)?;
    } else {
        record.energy = Some(Energy::Unavailable {
            unavailable: "not asked for (energy = false)".to_owned(),
        });
    }
    if let Some(task) = &job.outputs {
        match task.run(session.as_mut(), spec.dtype) {
            Ok(check) => checks.reference = check,
            Err(error) => checks.not_compared = Some(format!("{error:#}")),
        }
        record.checks = Some(checks);
    }
    if let (Checked::Graph(checked), Some(weights)) = (&checked, &mut record.weights) {
        // After everything is measured: it reads all files once more.
        weights.files = checked.weights.digests().context("hashing the weights")?;
    }
    enough_samples(&m, job)
}

fn enough_samples(m: &Measurement, job: &Job) -> anyhow::Result<()> {
    anyhow::ensure!(
        m.stop != Stop::Interrupted || m.plain_ns.len() >= job.min_samples,
        "interrupted after {} of at least {} samples",
        m.plain_ns.len(),
        job.min_samples
    );
    Ok(())
}

fn model_info(checked: &CheckedRun) -> ModelInfo {
    let provenance = checked.model.provenance();
    ModelInfo {
        domain: checked.model.domain(),
        checkpoint: provenance.checkpoint.to_owned(),
        reference: provenance.reference.to_owned(),
        parameters: checked.graph.parameter_count(),
        nodes: checked.graph.nodes().len(),
    }
}

/// Refuses a run that cannot fit, before anything is loaded.
fn check_memory(spec: &RunSpec, memory: &Memory) -> anyhow::Result<()> {
    const MIB: u64 = 1 << 20;
    let needed = memory
        .weights_bytes
        .saturating_add(memory.activation_bytes)
        .saturating_add(OVERHEAD_BYTES);
    let Some(available) = machine::available_memory() else {
        return Ok(());
    };
    anyhow::ensure!(
        spec.device != crate::plugin::Device::Cpu || needed <= available,
        "{} needs {} MiB ({} weights + {} activations + {} overhead), {} MiB are available; \
         use a smaller batch, a narrower --dtype or a smaller model",
        spec.model,
        needed / MIB,
        memory.weights_bytes / MIB,
        memory.activation_bytes / MIB,
        OVERHEAD_BYTES / MIB,
        available / MIB
    );
    Ok(())
}

/// Starts every probe that can be used here.
pub fn start_probes(plugins: &Plugins) -> Probes {
    let period = Duration::from_millis(100);
    let start = |entry: &'static Registered<dyn HardwareProbe>| {
        let ready = entry.act(|probe| probe.check().is_ready());
        let started = ready.then(|| entry.act(|probe| probe.start(period)));
        let sampler = started?.ok()?;
        Some(Box::new(Started { entry, sampler }) as Box<dyn Sampler>)
    };
    Probes::new(plugins.probes.iter().filter_map(start).collect())
}

/// A started probe, with whose it is.
struct Started {
    entry: &'static Registered<dyn HardwareProbe>,
    sampler: Box<dyn Sampler>,
}

impl Sampler for Started {
    fn read(&mut self, out: &mut Vec<Reading>) {
        self.entry.act(|_| self.sampler.read(out));
    }
}
