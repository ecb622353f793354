//! Users' own models: TorchScript archives (`.pt`) with their inputs beside them.
//!
//! `python/capture.py` writes both from any module of PyTorch. The inputs of `NAME.pt` are in
//! `NAME.inputs.safetensors`, under the names of the arguments of `forward`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::ptr::null;

use anyhow::Context;
use nongemm_core::kernel::DeviceTimer;
use nongemm_core::measure::Recorder;
use nongemm_core::plugin::{
    FileInputs, PrepareError, PrepareOptions, RequestedInput, Session, Step,
};
use torch_sys::C_tensor;

use super::common::{self, Modes};
use super::mapping::{Origins, foreign, steps};
use super::whole::{Whole, WholeSession};
use crate::device::InferenceMode;
use crate::engine::{Tensor, Torch};
use crate::program::{Optimization, Program, executed_nodes};
use crate::recording::{Call, Calls};

/// The extensions of such files.
pub(crate) const FORMATS: &[&str] = &["pt"];

/// A session of an archive, its own inputs bound unless they are given: as one program that is optimised,
/// or without that every node by itself.
pub(crate) fn prepare(
    path: &Path,
    options: &PrepareOptions,
    inputs: FileInputs<'_>,
    optimization: Option<Optimization>,
) -> Result<Box<dyn Session>, PrepareError> {
    let modes = Modes::read(&options.settings, options.threads)?;
    let modes = common::start(options.device, &modes)?;
    let _inference = InferenceMode::begin();
    let engine = Torch::new(options.device);
    let program = Program::load(path, options.device)?;
    let names = program.inputs()?;
    let own = match inputs {
        FileInputs::Own => Some(own_inputs(path, &names, &engine)?),
        FileInputs::Given(_) => None,
    };
    let archive = Archive::new(program, optimization)?;
    let mut session = WholeSession::new(archive, engine, modes, None);
    let shown = || path.display().to_string();
    if let FileInputs::Given(given) = inputs {
        session.take_in_order(order(&names, given).with_context(shown)?);
    }
    if let Some(own) = own {
        session.bind_device(own).with_context(shown)?;
    }
    Ok(Box::new(session))
}

/// The positions of an archive's inputs among those that are given.
fn order(names: &[String], given: &[RequestedInput]) -> anyhow::Result<Vec<usize>> {
    let takes = || format!("it takes {}", names.join(", "));
    if let Some(other) = given.iter().find(|input| !names.contains(&input.name)) {
        anyhow::bail!("{}, and no `{}`", takes(), other.name);
    }
    let position = |name: &String| {
        let position = given.iter().position(|input| input.name == *name);
        position.with_context(|| format!("{}, and `{name}` is not given", takes()))
    };
    names.iter().map(position).collect()
}

/// Where the inputs of an archive are.
fn inputs_path(archive: &Path) -> PathBuf {
    archive.with_extension("inputs.safetensors")
}

/// The inputs of an archive in the order of its arguments, on the device.
fn own_inputs(archive: &Path, names: &[String], engine: &Torch) -> anyhow::Result<Vec<Tensor>> {
    let path = inputs_path(archive);
    anyhow::ensure!(
        path.is_file(),
        "{} needs its inputs in {}; capture.py writes both",
        archive.display(),
        path.display()
    );
    let read = tch::Tensor::read_safetensors(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let mut read: BTreeMap<String, tch::Tensor> = read.into_iter().collect();
    let inputs = names.iter().map(|name| {
        let tensor = read.remove(name).with_context(|| {
            let found: Vec<&str> = read.keys().map(String::as_str).collect();
            let found = found.join(", ");
            format!("{} holds no input `{name}`, only: {found}", path.display())
        })?;
        Ok(Tensor(tensor.f_to_device(engine.device())?))
    });
    let inputs = inputs.collect::<anyhow::Result<Vec<Tensor>>>()?;
    if let Some(left) = read.keys().next() {
        anyhow::bail!(
            "{} holds `{left}`, which is no input of {}: it takes {}",
            path.display(),
            archive.display(),
            names.join(", ")
        );
    }
    Ok(inputs)
}

pub(crate) struct Archive {
    program: Program,
    execution: Execution,
}

/// How an archive runs.
enum Execution {
    /// As one program, as libtorch's executor rewrites it.
    Whole,
    /// Every node by itself, as it is written.
    Nodes,
    /// As one program, because it holds this construct, which does not run by itself.
    Foreign(String),
}

impl Archive {
    pub(crate) fn new(
        mut program: Program,
        optimization: Option<Optimization>,
    ) -> anyhow::Result<Self> {
        program.optimize(optimization.unwrap_or(Optimization::None))?;
        let execution = match optimization {
            Some(_) => Execution::Whole,
            None => match program.plan() {
                Ok(()) => Execution::Nodes,
                Err(construct) => Execution::Foreign(construct.to_string()),
            },
        };
        Ok(Archive { program, execution })
    }
}

impl Whole for Archive {
    fn load(&mut self, _: &[Tensor]) -> anyhow::Result<()> {
        Ok(())
    }

    fn run(&mut self, inputs: &[*const C_tensor]) -> anyhow::Result<()> {
        self.program.run(inputs)
    }

    fn outputs(&self) -> anyhow::Result<Vec<(String, Tensor)>> {
        Ok(self.program.outputs())
    }

    fn learn(
        &mut self,
        calls: &mut Calls,
        inputs: &[*const C_tensor],
    ) -> anyhow::Result<Vec<Call>> {
        let program = &mut self.program;
        match self.execution {
            // SAFETY: the handle is that of `calls`; there are no hooks.
            Execution::Nodes => {
                calls.learn_from(&mut |calls| unsafe { program.run_steps(inputs, calls, null()) })
            }
            Execution::Whole | Execution::Foreign(_) => calls.learn(&mut || program.run(inputs)),
        }
    }

    fn time(
        &mut self,
        calls: &mut Calls,
        recorder: &mut Recorder<'_>,
        timer: Option<&mut (dyn DeviceTimer + 'static)>,
        inputs: &[*const C_tensor],
    ) -> anyhow::Result<()> {
        let program = &mut self.program;
        match self.execution {
            Execution::Nodes => calls.time_from(recorder, timer, &mut |calls, hooks| {
                // SAFETY: the hooks live through this call.
                unsafe { program.run_steps(inputs, calls.handle(), hooks) }
            }),
            Execution::Whole | Execution::Foreign(_) => {
                calls.time(recorder, timer, &mut || program.run(inputs))
            }
        }
    }

    fn modes(&self) -> Vec<(String, String)> {
        let execution = match &self.execution {
            Execution::Whole => "as one program".to_owned(),
            Execution::Nodes => "node by node".to_owned(),
            Execution::Foreign(construct) => {
                format!("as one program, as it is written: {construct} does not run by itself")
            }
        };
        vec![("execution".to_owned(), execution)]
    }

    fn steps(&self, calls: Vec<Call>) -> anyhow::Result<Vec<Step>> {
        if let Execution::Nodes = self.execution {
            let scopes = self.program.scopes()?;
            let calls = calls.into_iter().zip(scopes).enumerate();
            let step = |(index, (call, scope)): (usize, (Call, String))| {
                foreign(call, format!("n{index}"), &scope)
            };
            return Ok(calls.map(step).collect());
        }
        Ok(steps(calls, &executed_nodes()?, &Origins::default()))
    }
}
