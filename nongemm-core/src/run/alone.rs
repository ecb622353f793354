//! One operator alone: a graph of one node, prepared and measured as a model is; or a flow's own operator, as
//! a run of the flow recorded it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::{energy, machine};
use crate::dtype::DType;
use crate::graph::{Graph, GraphBuilder};
use crate::measure::{
    Call, EnergyPlan, EnergyResult, Limits, Meters, Mode, Recorder, SamplePlan, Series,
    capture_shapes, sample, time_batched, warm_up,
};
use crate::op::{Cost, Op, OpInstance, OpRegistry, Storage, Values};
use crate::plugin::{Backend, Device, NoWeights, PrepareError, PrepareOptions, Session};
use crate::record::AloneTimes;
use crate::rng::Uniform;
use crate::shape::TensorSpec;
use crate::tensor::HostTensor;

/// Why a call was not measured.
#[derive(Debug)]
pub enum NotMeasured {
    /// It cannot run: found before anything ran.
    Refused(anyhow::Error),
    /// It failed while it ran.
    Failed(anyhow::Error),
}

/// A call of one operator on inputs of known sizes.
#[derive(Clone, Debug)]
pub struct Alone {
    what: What,
    inputs: Vec<TensorSpec>,
}

#[derive(Clone, Debug)]
enum What {
    /// One of the graph's operators, as a graph of its own.
    Node {
        op: Arc<dyn Op>,
        outputs: Vec<TensorSpec>,
        graph: Graph,
    },
    /// An operator of a flow's own vocabulary.
    Recorded {
        vocabulary: String,
        call: OpInstance,
    },
}

impl Alone {
    /// Checks that the operator is known, that it takes these inputs and that they fit into memory.
    ///
    /// # Errors
    /// Says what is wrong with the call.
    pub fn new(call: &OpInstance, ops: &OpRegistry) -> anyhow::Result<Self> {
        let op = call.op(ops)?;
        all_known(&call.inputs)?;
        let outputs = op.infer(&call.inputs)?;
        fits(&call.inputs, &outputs)?;
        let mut g = GraphBuilder::new(DType::F32);
        let mut values = Vec::with_capacity(call.inputs.len());
        for (position, spec) in call.inputs.iter().enumerate() {
            values.push(g.input(&format!("x{position}"), spec.clone())?);
        }
        for (position, value) in g.add_shared(op.clone(), &values)?.into_iter().enumerate() {
            g.output(&format!("y{position}"), value);
        }
        Ok(Alone {
            what: What::Node {
                op,
                outputs,
                graph: g.finish(),
            },
            inputs: call.inputs.clone(),
        })
    }

    /// A call in a flow's own vocabulary, of which the flow alone knows what it is.
    ///
    /// # Errors
    /// When a size is not known or the inputs do not fit into memory.
    pub fn recorded(vocabulary: &str, call: &OpInstance) -> anyhow::Result<Self> {
        all_known(&call.inputs)?;
        fits(&call.inputs, &[])?;
        Ok(Alone {
            what: What::Recorded {
                vocabulary: vocabulary.to_owned(),
                call: call.clone(),
            },
            inputs: call.inputs.clone(),
        })
    }

    /// A session of the call with made-up inputs bound, ready to run.
    ///
    /// # Errors
    /// When the backend has no kernel for it or cannot hold it.
    pub fn session(
        &self,
        backend: &dyn Backend,
        options: &PrepareOptions,
    ) -> Result<Box<dyn Session>, PrepareError> {
        match &self.what {
            What::Node { op, graph, .. } => {
                let mut session = backend.prepare(graph, &NoWeights, options)?;
                let inputs = made_up(op.name(), op.values(&self.inputs), &self.inputs)?;
                session.bind(&inputs).context("binding inputs")?;
                Ok(session)
            }
            What::Recorded { vocabulary, call } => backend.prepare_call(vocabulary, call, options),
        }
    }

    /// Whether the operator writes over an operand, which gets its values back before each run.
    fn restored(&self, session: &dyn Session) -> bool {
        match &self.what {
            What::Node { op, .. } => matches!(op.storage(), Storage::Written(_)),
            What::Recorded { .. } => session.restores_inputs(),
        }
    }

    /// Work of one call, from the sizes of the outputs as they came; `None` where the flow does not tell, or
    /// only the flow knows the operator.
    fn cost(&self, produced: Option<&[TensorSpec]>) -> Option<Cost> {
        let What::Node { op, outputs, .. } = &self.what else {
            return None;
        };
        let known = |specs: &[TensorSpec]| specs.iter().all(|s| s.shape.known().is_some());
        let outputs = match produced {
            _ if known(outputs) => outputs.as_slice(),
            Some(produced) if produced.len() == outputs.len() && known(produced) => produced,
            _ => return None,
        };
        Some(op.cost(&self.inputs, outputs))
    }

    /// The outputs as they came, where only the data decide their sizes.
    fn sizes_of_data(&self, produced: Option<&[TensorSpec]>) -> Vec<TensorSpec> {
        match &self.what {
            What::Node { outputs, .. } if outputs.iter().any(|s| s.shape.known().is_none()) => {
                produced.unwrap_or_default().to_vec()
            }
            _ => Vec::new(),
        }
    }
}

/// Inputs that hold these values, the same each time for an operator of this name.
///
/// # Errors
/// When the values are not one for each input, or an input cannot be made.
pub fn made_up(
    name: &str,
    values: Vec<Values>,
    inputs: &[TensorSpec],
) -> anyhow::Result<Vec<HostTensor>> {
    anyhow::ensure!(
        values.len() == inputs.len(),
        "{name} says what {} inputs hold and takes {}",
        values.len(),
        inputs.len()
    );
    let pairs = values.into_iter().zip(inputs).enumerate();
    pairs
        .map(|(position, (values, spec))| {
            values.tensor(spec, Uniform::new(0, &format!("{name}#{position}")))
        })
        .collect()
}

fn all_known(inputs: &[TensorSpec]) -> anyhow::Result<()> {
    for (position, spec) in inputs.iter().enumerate() {
        anyhow::ensure!(
            spec.shape.known().is_some(),
            "input {position}, {spec}, has a size that only data decide"
        );
    }
    Ok(())
}

/// Refuses what cannot fit before anything is allocated: inputs are held on the host and by the backend.
fn fits(inputs: &[TensorSpec], outputs: &[TensorSpec]) -> anyhow::Result<()> {
    const MIB: u64 = 1 << 20;
    let mut needed = 0u64;
    for (specs, copies) in [(inputs, 2u64), (outputs, 1)] {
        for spec in specs.iter().filter(|spec| spec.shape.known().is_some()) {
            let bytes = spec.shape.elements().map(|count| count as u64);
            let bytes = bytes.and_then(|count| count.checked_mul(spec.dtype.size() as u64));
            let bytes =
                bytes.with_context(|| format!("{spec} has more bytes than can be counted"))?;
            needed = needed.saturating_add(bytes.saturating_mul(copies));
        }
    }
    if let Some(available) = machine::available_memory() {
        anyhow::ensure!(
            needed <= available,
            "it needs {} MiB of memory, {} MiB are available",
            needed / MIB,
            available / MIB
        );
    }
    Ok(())
}

/// What is measured of a call beside its time with its operands as the last call left them.
#[derive(Default)]
pub struct Beside<'a> {
    /// Empties the caches; without it there is no time with the operands in memory.
    pub flush: Option<Call<'a>>,
    /// Sensors, and the windows for them; without them there is no energy.
    pub energy: Option<(&'a mut Meters, EnergyPlan)>,
}

/// Measures a call: in turn with its operands as the last call left them, step by step, and what is asked for
/// beside.
///
/// # Errors
/// Says whether it could not run or failed.
pub fn measure(
    alone: &Alone,
    backend: &dyn Backend,
    options: &PrepareOptions,
    plan: &mut SamplePlan<'_>,
    beside: Beside<'_>,
) -> Result<AloneTimes, NotMeasured> {
    let mut session = alone
        .session(backend, options)
        .map_err(|error| NotMeasured::Refused(error.into()))?;
    times(alone, session.as_mut(), options.device, plan, beside).map_err(NotMeasured::Failed)
}

fn times(
    alone: &Alone,
    session: &mut dyn Session,
    device: Device,
    plan: &mut SamplePlan<'_>,
    beside: Beside<'_>,
) -> anyhow::Result<AloneTimes> {
    let shapes = capture_shapes(session, plan)?;
    let produced = shapes.into_iter().next();
    let produced = produced.and_then(|shapes| shapes.into_values().next_back());
    let produced = produced.as_deref();
    let cost = alone.cost(produced);
    let (host, device_times) = by_step(session, plan)?;
    anyhow::ensure!(
        !session.steps().is_empty(),
        "the flow has computed it before anything runs"
    );
    let restored = alone.restored(session);
    let mut plain = Recorder::new(plan.clock, Mode::Off, 0);
    warm_up(session, plan, &mut plain)?;
    let hot = if restored {
        own_clock(session, &mut plain, plan, &mut || Ok(()))?
    } else {
        time_batched(plan, &mut || session.run(&mut plain))?
    };
    let cold = match beside.flush {
        Some(flush) => Some(within(plan, quarter, |plan| {
            own_clock(session, &mut plain, plan, flush)
        })?),
        None => None,
    };
    let energy = match beside.energy {
        Some(_) if restored => EnergyResult {
            rows: Vec::new(),
            left_out: vec![
                "an operand is written over and gets its values back each time".to_owned(),
            ],
        },
        Some((meters, windows)) => {
            energy::alone(session, meters, windows, hot.calls, plan.interrupted)?
        }
        None => EnergyResult::default(),
    };
    Ok(AloneTimes {
        energy: energy.rows,
        energy_left_out: energy.left_out,
        outputs: alone.sizes_of_data(produced),
        steps: session.steps().iter().map(|step| step.op.clone()).collect(),
        hot,
        cold,
        host,
        device: device_times.filter(|_| device != Device::Cpu),
        flops: cost.map(|cost| cost.flops),
        bytes: cost.map(|cost| cost.bytes),
    })
}

/// Single runs by the session's own reading of the clock: an input that the operator writes over gets its
/// values back before that starts.
fn own_clock(
    session: &mut dyn Session,
    plain: &mut Recorder<'_>,
    plan: &mut SamplePlan<'_>,
    before: Call<'_>,
) -> anyhow::Result<Series> {
    sample(plan, 1, &mut || {
        before()?;
        session.run(plain)?;
        Ok(plain.wall_ns() as f64)
    })
}

/// What its steps take in instrumented runs, all together: on the host, and on the device's own clock.
fn by_step(
    session: &mut dyn Session,
    plan: &mut SamplePlan<'_>,
) -> anyhow::Result<(Series, Option<Series>)> {
    let mut learn = Recorder::new(plan.clock, Mode::Timing, session.steps().len());
    session.run(&mut learn)?;
    let mut timing = Recorder::new(plan.clock, Mode::Timing, learn.events().len());
    let mut device_ns = Vec::new();
    let host = within(plan, quarter, |plan| {
        sample(plan, 1, &mut || {
            session.run(&mut timing)?;
            timing.check_closure()?;
            let device: u64 = timing.device_ns().iter().map(|(_, ns)| ns).sum();
            device_ns.push(device as f64);
            let events = timing.events().iter();
            Ok(events.map(|event| event.end - event.start).sum::<u64>() as f64)
        })
    })?;
    let timed = timing.device_wall_ns().is_some();
    let device = timed.then(|| Series::new(device_ns, 1, host.stop, host.disturbed.clone()));
    Ok((host, device))
}

/// Limits of the series beside the main one: a quarter of its time, and half as many samples of calls that
/// take longer than that.
fn quarter(limits: Limits) -> Limits {
    Limits {
        max_time: limits.max_time / 4,
        min_samples: limits.min_samples.div_ceil(2),
        max_samples: limits.max_samples.min(200),
        ..limits
    }
}

fn within<T>(
    plan: &mut SamplePlan<'_>,
    change: impl Fn(Limits) -> Limits,
    body: impl FnOnce(&mut SamplePlan<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let limits = plan.limits;
    plan.limits = change(limits);
    let result = body(plan);
    plan.limits = limits;
    result
}

/// What a session costs that holds no operator: it is part of every time of a call alone, but not of the
/// times of its steps. `None` where the flow runs no such graph.
pub fn overhead(
    backend: &dyn Backend,
    options: &PrepareOptions,
    plan: &mut SamplePlan<'_>,
) -> Option<Series> {
    let spec = TensorSpec::new(DType::F32, [1usize]);
    let mut g = GraphBuilder::new(DType::F32);
    let value = g.input("x", spec.clone()).ok()?;
    g.output("y", value);
    let mut session = backend.prepare(&g.finish(), &NoWeights, options).ok()?;
    let input = crate::op::Values::usual(&spec).tensor(&spec, Uniform::new(0, "x"));
    session.bind(&[input.ok()?]).ok()?;
    let mut plain = Recorder::new(plan.clock, Mode::Off, 0);
    let short = |limits: Limits| Limits {
        max_time: limits.max_time.min(Duration::from_secs(1)),
        ..limits
    };
    within(plan, short, |plan| {
        time_batched(plan, &mut || session.run(&mut plain))
    })
    .ok()
}
