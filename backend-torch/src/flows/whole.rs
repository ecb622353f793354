//! Sessions of programs that libtorch runs as a whole: their operators are seen through its callbacks.

use anyhow::Context;
use nongemm_core::kernel::{DeviceTimer, Engine};
use nongemm_core::measure::{Mode, Recorder};
use nongemm_core::plugin::{Session, SessionMemory, Step};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostTensor;
use torch_sys::C_tensor;

use super::common::Pinned;
use crate::device::InferenceMode;
use crate::engine::{Tensor, Torch};
use crate::recording::{Call, Calls};

/// Something that libtorch runs as a whole.
pub(crate) trait Whole {
    /// Called once, before the first run, with inputs on the device.
    fn load(&mut self, inputs: &[Tensor]) -> anyhow::Result<()>;

    /// Runs it; outputs stay until the next run.
    fn run(&mut self, inputs: &[*const C_tensor]) -> anyhow::Result<()>;

    /// Names and tensors of the last run's outputs.
    fn outputs(&self) -> anyhow::Result<Vec<(String, Tensor)>>;

    /// Runs it and learns which operators it calls.
    fn learn(
        &mut self,
        calls: &mut Calls,
        inputs: &[*const C_tensor],
    ) -> anyhow::Result<Vec<Call>> {
        calls.learn(&mut || self.run(inputs))
    }

    /// Runs it and measures the operators that were learned.
    fn time(
        &mut self,
        calls: &mut Calls,
        recorder: &mut Recorder<'_>,
        timer: Option<&mut (dyn DeviceTimer + 'static)>,
        inputs: &[*const C_tensor],
    ) -> anyhow::Result<()> {
        calls.time(recorder, timer, &mut || self.run(inputs))
    }

    /// What is said in the record about how it runs.
    fn modes(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// The steps of a run that called these operators. Asked right after such a run.
    fn steps(&self, calls: Vec<Call>) -> anyhow::Result<Vec<Step>>;
}

/// An input as it is declared.
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) spec: TensorSpec,
}

/// Runs before the operators are learned: libtorch's executor rewrites a program after it has watched
/// the first one.
const SETTLING_RUNS: usize = 3;

/// A session of a [`Whole`].
pub(crate) struct WholeSession<W> {
    whole: W,
    engine: Torch,
    modes: Pinned,
    /// What inputs must be; nothing for programs that do not say.
    declared: Option<Vec<Declared>>,
    /// Positions of the program's inputs among those that are bound; the same without them.
    order: Option<Vec<usize>>,
    inputs: Option<Vec<Tensor>>,
    /// Inputs that the program writes over, by position, and copies of what they are before a run.
    restored: Vec<(usize, Tensor)>,
    calls: Calls,
    steps: Vec<Step>,
    timer: Option<Box<dyn DeviceTimer>>,
}

impl<W: Whole> WholeSession<W> {
    pub(crate) fn new(
        whole: W,
        engine: Torch,
        modes: Pinned,
        declared: Option<Vec<Declared>>,
    ) -> Self {
        WholeSession {
            whole,
            engine,
            modes,
            declared,
            order: None,
            inputs: None,
            restored: Vec::new(),
            calls: Calls::new(),
            steps: Vec::new(),
            timer: None,
        }
    }

    /// Takes inputs in another order than the program: of each of its inputs the position.
    pub(crate) fn take_in_order(&mut self, order: Vec<usize>) {
        self.order = Some(order);
    }

    /// Binds inputs that are on the device already, settles and learns the operators.
    pub(crate) fn bind_device(&mut self, inputs: Vec<Tensor>) -> anyhow::Result<()> {
        let copies: Vec<Tensor> = inputs.iter().map(|x| Tensor(x.copy())).collect();
        let pointers = pointers(&inputs);
        if self.inputs.is_none() {
            self.whole.load(&inputs)?;
        }
        self.whole.run(&pointers)?;
        let pairs = copies.into_iter().enumerate();
        self.restored = pairs
            .filter(|(position, copy)| !copy.equal(&inputs[*position]))
            .collect();
        self.inputs = Some(inputs);
        for _ in 1..SETTLING_RUNS {
            self.restore_inputs()?;
            self.whole.run(&pointers)?;
        }
        self.restore_inputs()?;
        let calls = self.whole.learn(&mut self.calls, &pointers)?;
        self.steps = self.whole.steps(calls)?;
        self.timer = self.engine.timer(self.steps.len())?;
        self.engine.synchronize()
    }

    /// Gives inputs that the last run wrote over their values back.
    fn restore_inputs(&self) -> anyhow::Result<()> {
        let Some(inputs) = &self.inputs else {
            return Ok(());
        };
        for (position, copy) in &self.restored {
            inputs[*position].shallow_clone().f_copy_(copy)?;
        }
        if !self.restored.is_empty() {
            self.engine.synchronize()?;
        }
        Ok(())
    }

    fn check_inputs(&self, inputs: &[HostTensor]) -> anyhow::Result<()> {
        let Some(declared) = &self.declared else {
            return Ok(());
        };
        anyhow::ensure!(
            inputs.len() == declared.len(),
            "the program takes {} inputs, got {}",
            declared.len(),
            inputs.len()
        );
        for (input, tensor) in declared.iter().zip(inputs) {
            anyhow::ensure!(
                input.spec == tensor.spec(),
                "input {} must be {}, got {}",
                input.name,
                input.spec,
                tensor.spec()
            );
        }
        Ok(())
    }

    fn timed(
        &mut self,
        recorder: &mut Recorder<'_>,
        pointers: &[*const C_tensor],
    ) -> anyhow::Result<()> {
        let mut timer = self.timer.take();
        let result = self.timed_with(recorder, pointers, timer.as_deref_mut());
        self.timer = timer;
        result
    }

    fn timed_with(
        &mut self,
        recorder: &mut Recorder<'_>,
        pointers: &[*const C_tensor],
        mut timer: Option<&mut (dyn DeviceTimer + 'static)>,
    ) -> anyhow::Result<()> {
        if let Some(timer) = timer.as_deref_mut() {
            timer.begin()?;
        }
        self.whole
            .time(&mut self.calls, recorder, timer.as_deref_mut(), pointers)?;
        if let Some(timer) = timer {
            timer.end()?;
        }
        self.engine.synchronize()
    }

    fn read_device(&self, recorder: &mut Recorder<'_>) -> anyhow::Result<()> {
        let Some(timer) = self.timer.as_deref() else {
            return Ok(());
        };
        for step in 0..self.steps.len() {
            recorder.push_device(step as u32, timer.step_ns(step)?);
        }
        recorder.set_device_wall(timer.wall_ns()?);
        Ok(())
    }
}

fn pointers(tensors: &[Tensor]) -> Vec<*const C_tensor> {
    tensors.iter().map(|tensor| tensor.as_ptr()).collect()
}

impl<W: Whole> Session for WholeSession<W> {
    fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn bind(&mut self, inputs: &[HostTensor]) -> anyhow::Result<()> {
        self.check_inputs(inputs)?;
        let _inference = InferenceMode::begin();
        let order = self.order.clone();
        let order = order.unwrap_or_else(|| (0..inputs.len()).collect());
        let uploaded = order
            .into_iter()
            .map(|position| self.engine.upload(inputs[position].clone()))
            .collect::<anyhow::Result<Vec<Tensor>>>()?;
        self.bind_device(uploaded)
    }

    fn run(&mut self, recorder: &mut Recorder<'_>) -> anyhow::Result<()> {
        let _inference = InferenceMode::begin();
        self.restore_inputs()?;
        let inputs = self.inputs.as_deref().context("inputs are not bound")?;
        let pointers = pointers(inputs);
        recorder.begin();
        let result = match recorder.mode() {
            Mode::Timing => self.timed(recorder, &pointers),
            Mode::Off | Mode::Shapes => {
                let result = self.whole.run(&pointers);
                result.and_then(|()| self.engine.synchronize())
            }
        };
        recorder.end();
        result?;
        match recorder.mode() {
            Mode::Timing => self.read_device(recorder)?,
            Mode::Shapes => {
                for (index, step) in self.steps.iter().enumerate() {
                    recorder.push_shapes(index as u32, step.outputs.clone());
                }
            }
            Mode::Off => {}
        }
        Ok(())
    }

    fn each_output(
        &mut self,
        take: &mut dyn FnMut(&str, HostTensor) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let _inference = InferenceMode::begin();
        for (name, tensor) in self.whole.outputs()? {
            let host = self.engine.download(&tensor);
            take(&name, host.with_context(|| format!("output {name}"))?)?;
        }
        Ok(())
    }

    fn modes(&self) -> Vec<(String, String)> {
        let mut modes = self.modes.describe();
        modes.extend(self.whole.modes());
        modes
    }

    fn restores_inputs(&self) -> bool {
        !self.restored.is_empty()
    }

    fn memory(&self) -> SessionMemory {
        self.engine.memory()
    }
}
