//! The interpreter that all node-by-node backends share.
//!
//! Everything that can be decided is decided when a session is made: which kernel runs each node,
//! where its operands are, what dies after it. Running is one loop over that plan.

mod plan;

use anyhow::Context;
use smallvec::SmallVec;

pub use self::plan::steps;
use self::plan::{Plan, failed, missing, overwritten_inputs, panicked, plan, results};
use crate::graph::{CompositePolicy, Graph, lower};
use crate::kernel::{DeviceTimer, Engine, Kernels, Outputs};
use crate::measure::{Mode, Recorder};
use crate::plugin::{
    PrepareError, PrepareOptions, Session, SessionMemory, Step, WeightSource, caught,
};
use crate::tensor::HostTensor;

/// A prepared graph that runs node by node on an [`Engine`].
pub struct Interpreter<E: Engine> {
    engine: E,
    plan: Vec<Plan<E>>,
    steps: Vec<Step>,
    /// One slot per value of the graph. Weights and constants stay; the rest comes and goes.
    slots: Vec<Option<E::Tensor>>,
    /// Slots of outputs that nodes compute: given up before the next run starts.
    results: Vec<usize>,
    /// Inputs that operators write over, by position, and what they are before each run.
    restored: Vec<(usize, Option<HostTensor>)>,
    timer: Option<Box<dyn DeviceTimer>>,
    graph: Graph,
}

impl<E: Engine> Interpreter<E> {
    /// Lowers `graph` for the engine, loads the weights and resolves every node's kernel.
    ///
    /// # Errors
    /// When operators are missing or weights do not load.
    pub fn prepare(
        engine: E,
        kernels: &Kernels<E>,
        graph: &Graph,
        weights: &dyn WeightSource,
        options: &PrepareOptions,
    ) -> Result<Self, PrepareError> {
        let policy = options
            .settings
            .get("composites", CompositePolicy::default())
            .map_err(anyhow::Error::from)?;
        let graph = lower(graph, policy, &|op, inputs| {
            kernels.find(op, inputs).is_some()
        })?;
        let overwritten = overwritten_inputs(&graph)?;
        let mut slots: Vec<Option<E::Tensor>> = vec![None; graph.values().len()];
        for param in graph.params() {
            let tensor = weights.load(param, graph.spec(param.value))?;
            let tensor = engine
                .upload(tensor)
                .with_context(|| format!("parameter {}", param.name))?;
            slots[param.value.index()] = Some(tensor);
        }
        for constant in graph.constants() {
            let tensor = engine
                .upload(constant.tensor.as_ref().clone())
                .with_context(|| format!("constant {}", constant.name))?;
            slots[constant.value.index()] = Some(tensor);
        }
        engine.synchronize()?;
        let plan = plan(&graph, kernels)?;
        let timer = engine.timer(plan.len())?;
        Ok(Interpreter {
            engine,
            timer,
            plan,
            steps: steps(&graph),
            slots,
            results: results(&graph),
            restored: overwritten.into_iter().map(|input| (input, None)).collect(),
            graph,
        })
    }

    /// The graph as it runs: composites expanded.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The outputs of a node from its operands.
    #[inline]
    fn call(&self, index: usize) -> anyhow::Result<Outputs<E::Tensor>> {
        let node = &self.plan[index];
        let mut operands: SmallVec<[&E::Tensor; 8]> = SmallVec::new();
        for &slot in &node.inputs {
            match &self.slots[slot as usize] {
                Some(tensor) => operands.push(tensor),
                None => anyhow::bail!("{}", missing(&self.steps[index])),
            }
        }
        (node.kernel)(node.op.as_ref(), &self.engine, &operands)
            .map_err(|error| failed(error, &self.steps[index]))
    }

    /// Keeps a node's outputs and drops what nothing reads any more.
    #[inline]
    fn keep(&mut self, index: usize, outputs: Outputs<E::Tensor>) {
        let node = &self.plan[index];
        for (&slot, tensor) in node.outputs.iter().zip(outputs) {
            self.slots[slot as usize] = Some(tensor);
        }
        for &slot in &node.dead {
            self.slots[slot as usize] = None;
        }
    }

    fn execute(&mut self, recorder: &mut Recorder<'_>) -> anyhow::Result<()> {
        let mut timer = self.timer.take();
        let mut at = 0;
        let result = caught(|| self.execute_with(recorder, timer.as_deref_mut(), &mut at));
        self.timer = timer;
        result.unwrap_or_else(|message| {
            let krate = self.plan.get(at).map_or("", |node| node.krate);
            Err(panicked(krate, self.steps.get(at), &message))
        })
    }

    fn execute_with(
        &mut self,
        recorder: &mut Recorder<'_>,
        timer: Option<&mut (dyn DeviceTimer + 'static)>,
        at: &mut usize,
    ) -> anyhow::Result<()> {
        let timing = recorder.mode() == Mode::Timing;
        let mut timer = if timing { timer } else { None };
        if let Some(timer) = &mut timer {
            timer.begin()?;
        }
        for index in 0..self.plan.len() {
            *at = index;
            let start = if timing { recorder.now() } else { 0 };
            if let Some(timer) = &mut timer {
                timer.start(index)?;
            }
            let outputs = self.call(index)?;
            if timing {
                if let Some(timer) = &mut timer {
                    timer.stop(index)?;
                }
                let end = recorder.now();
                recorder.push(index as u32, start, end);
            }
            if recorder.mode() == Mode::Shapes {
                recorder.push_shapes(index as u32, outputs.iter().map(E::spec).collect());
            }
            self.keep(index, outputs);
        }
        if let Some(timer) = &mut timer {
            timer.end()?;
        }
        self.engine.synchronize()
    }

    /// Runs once, calling `before` and `after` around each step with its index: for flows that watch
    /// the library while the graph runs, as tracing does.
    ///
    /// # Errors
    /// When an operator fails.
    pub fn run_around(
        &mut self,
        before: &mut dyn FnMut(usize),
        after: &mut dyn FnMut(usize),
    ) -> anyhow::Result<()> {
        for index in 0..self.plan.len() {
            before(index);
            let outputs = self.call(index);
            after(index);
            self.keep(index, outputs?);
        }
        Ok(())
    }

    /// The graph's outputs after a run, on the device.
    ///
    /// # Errors
    /// When nothing was run yet.
    pub fn results(&self) -> anyhow::Result<Vec<E::Tensor>> {
        let outputs = self.graph.outputs().iter();
        outputs
            .map(|(name, value)| {
                self.slots[value.index()]
                    .clone()
                    .with_context(|| format!("output {name}: nothing was run yet"))
            })
            .collect()
    }

    /// Binds inputs that are on the device already.
    ///
    /// # Errors
    /// When their number is wrong.
    pub fn bind_device(&mut self, inputs: &[E::Tensor]) -> anyhow::Result<()> {
        let declared = self.graph.inputs();
        anyhow::ensure!(
            inputs.len() == declared.len(),
            "the graph takes {} inputs, got {}",
            declared.len(),
            inputs.len()
        );
        for (input, tensor) in declared.iter().zip(inputs) {
            self.slots[input.value.index()] = Some(tensor.clone());
        }
        Ok(())
    }

    /// Gives inputs that the last run wrote over their values back. A run that fails leaves them as they
    /// are; the next one starts here too.
    fn restore_inputs(&mut self) -> anyhow::Result<()> {
        for (position, kept) in &self.restored {
            if let Some(tensor) = kept {
                let slot = self.graph.inputs()[*position].value.index();
                self.slots[slot] = Some(self.engine.upload(tensor.clone())?);
            }
        }
        if !self.restored.is_empty() {
            self.engine.synchronize()?;
        }
        Ok(())
    }

    /// Reads the device's clock; after the run, since that takes a while.
    fn read_device(&self, recorder: &mut Recorder<'_>) -> anyhow::Result<()> {
        let Some(timer) = self.timer.as_deref() else {
            return Ok(());
        };
        for step in 0..self.plan.len() {
            recorder.push_device(step as u32, timer.step_ns(step)?);
        }
        recorder.set_device_wall(timer.wall_ns()?);
        Ok(())
    }
}

impl<E: Engine> Session for Interpreter<E> {
    fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn bind(&mut self, inputs: &[HostTensor]) -> anyhow::Result<()> {
        let declared = self.graph.inputs();
        anyhow::ensure!(
            inputs.len() == declared.len(),
            "the graph takes {} inputs, got {}",
            declared.len(),
            inputs.len()
        );
        for (input, tensor) in declared.iter().zip(inputs) {
            let expected = self.graph.spec(input.value);
            let found = tensor.spec();
            anyhow::ensure!(
                *expected == found,
                "input {} must be {expected}, got {found}",
                input.name
            );
            self.slots[input.value.index()] = Some(self.engine.upload(tensor.clone())?);
        }
        for (position, kept) in &mut self.restored {
            *kept = inputs.get(*position).cloned();
        }
        self.engine.synchronize()
    }

    fn run(&mut self, recorder: &mut Recorder<'_>) -> anyhow::Result<()> {
        for &slot in &self.results {
            self.slots[slot] = None;
        }
        self.restore_inputs()?;
        recorder.begin();
        let result = self.execute(recorder);
        recorder.end();
        result?;
        if recorder.mode() == Mode::Timing {
            self.read_device(recorder)?;
        }
        Ok(())
    }

    fn each_output(
        &mut self,
        take: &mut dyn FnMut(&str, HostTensor) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let names = self.graph.outputs().iter().map(|(name, _)| name);
        for (name, tensor) in names.zip(self.results()?) {
            take(name, self.engine.download(&tensor)?)?;
        }
        Ok(())
    }

    fn restores_inputs(&self) -> bool {
        !self.restored.is_empty()
    }

    fn memory(&self) -> SessionMemory {
        self.engine.memory()
    }
}
