//! The latency profiler: warm-up, then end-to-end and per-operator samples in turn.
//!
//! Plain runs (nothing instrumented) and instrumented runs are taken in pairs, and which comes first
//! alternates, so that drift of the machine's speed and what one run leaves in the caches meet both
//! alike and their ratio, the perturbation, can be trusted.

use std::collections::BTreeMap;

use super::noise::{SampleNoise, growth, is_disturbed};
use super::plan::{SamplePlan, Stop};
use super::recorder::{Mode, Recorder};
use crate::plugin::{Profiler, Quantity, Session, Step};
use crate::register;
use crate::shape::TensorSpec;
use crate::stats;

/// All instrumented times of one step.
#[derive(Clone, Debug, Default)]
pub struct StepTimes {
    /// Host time of each instrumented run, in nanoseconds.
    pub host_ns: Vec<f64>,
    /// Device time of each instrumented run, where the device has a clock of its own.
    pub device_ns: Vec<f64>,
}

/// What a profiler measured: raw samples, nothing summarised yet.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// Wall times of the plain runs.
    pub plain_ns: Vec<u64>,
    /// Wall times of the instrumented runs.
    pub instrumented_ns: Vec<u64>,
    /// For each instrumented run, the time that no step accounts for.
    pub gap_ns: Vec<u64>,
    /// How long each instrumented run took on the device, where it has a clock of its own.
    pub device_wall_ns: Vec<u64>,
    /// The steps as they ran.
    pub steps: Vec<Step>,
    /// Times of each step.
    pub times: Vec<StepTimes>,
    /// Number of warm-up runs.
    pub warmup_runs: usize,
    /// Whether warm-up ended because the times were steady, rather than out of time.
    pub steady: bool,
    /// What ended the sampling.
    pub stop: Stop,
    /// The relative half-width of the interval that was aimed at.
    pub target_ci: f64,
    /// For each plain sample, whether something outside disturbed it.
    pub disturbed: Vec<bool>,
    /// What happened during plain samples, for those that something happened to.
    pub noise: Vec<SampleNoise>,
    /// How long the counters were watched.
    pub counted_ns: u64,
    /// Growth of the counters over all samples.
    pub counters: BTreeMap<Quantity, f64>,
    /// Last value of the gauges.
    pub gauges: BTreeMap<Quantity, f64>,
}

/// Measures latency end to end and step by step.
pub struct LatencyProfiler;

register!(dyn Profiler, &LatencyProfiler);

impl Profiler for LatencyProfiler {
    fn id(&self) -> &'static str {
        "latency"
    }

    fn summary(&self) -> &'static str {
        "end-to-end latency from plain runs, operator times from instrumented runs in between"
    }

    fn profile(
        &self,
        session: &mut dyn Session,
        plan: &mut SamplePlan<'_>,
    ) -> anyhow::Result<Measurement> {
        let capacity = discover_steps(session, plan)?;
        let mut plain = Recorder::new(plan.clock, Mode::Off, 0);
        let mut timing = Recorder::new(plan.clock, Mode::Timing, capacity);
        let (warmup_runs, steady) = warm_up(session, plan, &mut plain)?;

        let mut m = Measurement {
            plain_ns: Vec::new(),
            instrumented_ns: Vec::new(),
            gap_ns: Vec::new(),
            device_wall_ns: Vec::new(),
            steps: session.steps().to_vec(),
            times: vec![StepTimes::default(); session.steps().len()],
            warmup_runs,
            steady,
            stop: Stop::MaxTime,
            target_ci: plan.limits.target_ci,
            disturbed: Vec::new(),
            noise: Vec::new(),
            counted_ns: 0,
            counters: BTreeMap::new(),
            gauges: BTreeMap::new(),
        };
        let started = plan.clock.now();
        let first = plan.probes.read();
        let mut last = first.clone();
        loop {
            // Both runs of a pair use the same input, so that their ratio is that of the instruments. With an
            // even number of inputs each would always be measured in the same order; the order changes with
            // each round of the inputs too.
            let pair = m.plain_ns.len();
            plan.bind(session, pair)?;
            let round = pair / plan.inputs.len().max(1);
            let plain_first = match plan.inputs.len() {
                0 | 1 => pair.is_multiple_of(2),
                _ => (pair + round).is_multiple_of(2),
            };
            for is_plain in [plain_first, !plain_first] {
                if is_plain {
                    let before = plan.probes.read();
                    session.run(&mut plain)?;
                    last = plan.probes.read();
                    m.plain_ns.push(plain.wall_ns());
                    let grown = growth(&before, &last);
                    let (sample, wall_ns) = (m.disturbed.len(), plain.wall_ns());
                    m.noise.extend(SampleNoise::of(sample, &grown, wall_ns));
                    m.disturbed.push(is_disturbed(&grown, wall_ns));
                } else {
                    session.run(&mut timing)?;
                    m.record(&timing)?;
                    last = plan.probes.read();
                }
            }

            let series: Vec<f64> = m.plain_ns.iter().map(|&ns| ns as f64).collect();
            let half_width = stats::relative_half_width(&series);
            (plan.progress)(series.len(), half_width);
            if let Some(stop) = plan.verdict(series.len(), half_width, started) {
                m.stop = stop;
                break;
            }
        }
        m.counted_ns = plan.clock.now() - started;
        m.counters = growth(&first, &last);
        m.gauges = last
            .into_iter()
            .filter(|(quantity, _)| !quantity.is_counter())
            .collect();
        Ok(m)
    }
}

impl Measurement {
    fn record(&mut self, timing: &Recorder<'_>) -> anyhow::Result<()> {
        timing.check_closure()?;
        let mut per_step: Vec<u64> = vec![0; self.times.len()];
        for event in timing.events() {
            per_step[event.step as usize] += event.end - event.start;
        }
        let attributed: u64 = per_step.iter().sum();
        for (times, ns) in self.times.iter_mut().zip(per_step) {
            times.host_ns.push(ns as f64);
        }
        for &(step, ns) in timing.device_ns() {
            self.times[step as usize].device_ns.push(ns as f64);
        }
        self.instrumented_ns.push(timing.wall_ns());
        self.gap_ns.push(timing.wall_ns() - attributed);
        self.device_wall_ns.extend(timing.device_wall_ns());
        Ok(())
    }
}

/// One instrumented run before anything is measured: flows that learn their steps by running learn
/// them here, and the recorder can reserve its memory.
fn discover_steps(session: &mut dyn Session, plan: &SamplePlan<'_>) -> anyhow::Result<usize> {
    let mut timing = Recorder::new(plan.clock, Mode::Timing, session.steps().len());
    session.run(&mut timing)?;
    Ok(timing.events().len())
}

/// Runs until three runs in a row lie within 5% of the fastest of them, or the time is up.
///
/// # Errors
/// When the session fails.
pub fn warm_up(
    session: &mut dyn Session,
    plan: &SamplePlan<'_>,
    plain: &mut Recorder<'_>,
) -> anyhow::Result<(usize, bool)> {
    const IN_A_ROW: usize = 3;
    const TOLERANCE: f64 = 1.05;
    let started = plan.clock.now();
    let mut times: Vec<u64> = Vec::new();
    loop {
        session.run(plain)?;
        times.push(plain.wall_ns());
        if let Some(last) = times.last_chunk::<IN_A_ROW>() {
            let fastest = last.iter().min().copied().unwrap_or(0) as f64;
            if last.iter().all(|&ns| ns as f64 <= TOLERANCE * fastest) {
                return Ok((times.len(), true));
            }
        }
        let elapsed = u128::from(plan.clock.now() - started);
        if elapsed >= plan.limits.max_warmup.as_nanos() || plan.is_interrupted() {
            return Ok((times.len(), false));
        }
    }
}

/// The output shapes of every step, by step.
pub type StepShapes = BTreeMap<u32, Vec<TensorSpec>>;

/// The output shapes that every step really produces, for each input of the plan (at least one); from runs of
/// their own. The first input is bound afterwards.
///
/// # Errors
/// When the session fails.
pub fn capture_shapes(
    session: &mut dyn Session,
    plan: &SamplePlan<'_>,
) -> anyhow::Result<Vec<StepShapes>> {
    let mut recorder = Recorder::new(plan.clock, Mode::Shapes, session.steps().len());
    let mut shapes = Vec::new();
    // The first one last: its outputs are those that are checked.
    for input in (0..plan.inputs.len().max(1)).rev() {
        plan.bind(session, input)?;
        session.run(&mut recorder)?;
        shapes.push(recorder.shapes().iter().cloned().collect());
    }
    shapes.reverse();
    Ok(shapes)
}
