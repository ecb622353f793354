//! Users' own models: TorchScript archives (`.pt`) with their inputs beside them.
//!
//! `python/capture.py` writes both from any module of PyTorch. The inputs of `NAME.pt` are in
//! `NAME.inputs.safetensors`, under the names of the arguments of `forward`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nongemm_core::plugin::{PrepareError, PrepareOptions, Session, Step};
use torch_sys::C_tensor;

use super::common::{self, Modes};
use super::mapping::{Origins, steps};
use super::whole::{Whole, WholeSession};
use crate::device::InferenceMode;
use crate::engine::{Tensor, Torch};
use crate::program::{Optimization, Program, executed_nodes};
use crate::recording::Call;

/// The extensions of such files.
pub(crate) const FORMATS: &[&str] = &["pt"];

/// A session of an archive, its inputs bound.
pub(crate) fn prepare(
    path: &Path,
    options: &PrepareOptions,
    optimization: Optimization,
) -> Result<Box<dyn Session>, PrepareError> {
    let modes = Modes::read(&options.settings, options.threads)?;
    common::start(options.device, &modes)?;
    let _inference = InferenceMode::begin();
    let engine = Torch::new(options.device);
    let mut program = Program::load(path, options.device)?;
    let inputs = inputs(path, &program.inputs()?, &engine)?;
    program.optimize(optimization)?;
    let archive = Archive { program };
    let mut session = WholeSession::new(archive, engine, modes, None);
    session
        .bind_device(inputs)
        .with_context(|| path.display().to_string())?;
    Ok(Box::new(session))
}

/// Where the inputs of an archive are.
fn inputs_path(archive: &Path) -> PathBuf {
    archive.with_extension("inputs.safetensors")
}

/// The inputs of an archive in the order of its arguments, on the device.
fn inputs(archive: &Path, names: &[String], engine: &Torch) -> anyhow::Result<Vec<Tensor>> {
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

struct Archive {
    program: Program,
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

    /// Scopes are what tracing calls modules: `__module.layer1/__module.layer1.0`.
    fn steps(&self, calls: Vec<Call>) -> anyhow::Result<Vec<Step>> {
        let mut nodes = executed_nodes()?;
        for (_, scope) in &mut nodes {
            let last = scope.rsplit('/').next().unwrap_or_default();
            *scope = last.strip_prefix("__module.").unwrap_or(last).to_owned();
        }
        Ok(steps(calls, &nodes, &Origins::default()))
    }
}
