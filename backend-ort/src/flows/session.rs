//! Sessions of models: bound, settled, learned, run.

use std::path::Path;

use anyhow::Context;
use nongemm_core::measure::{Mode, Recorder};
use nongemm_core::plugin::{Session, SessionMemory, Step};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostTensor;
use ort::value::DynTensor;
use tempfile::TempDir;

use super::model;
use crate::profile::{Learned, Models, Origin, Trace};
use crate::runtime::{Loaded, Options, element_type, optimized, upload};

/// What a graph declares of its model.
pub(crate) struct Declared {
    /// Types and shapes of the inputs, in order.
    pub(crate) inputs: Vec<TensorSpec>,
    /// Names of the outputs, in order.
    pub(crate) outputs: Vec<String>,
}

/// Runs before the kernels are learned: the first ones allocate.
const SETTLING_RUNS: usize = 2;

/// A model on ONNX Runtime.
pub(crate) struct ModelSession {
    loaded: Loaded,
    options: Options,
    models: Models,
    origin: Box<dyn Origin>,
    declared: Option<Declared>,
    learned: Option<Learned>,
    /// Outputs that are no tensors of numbers, which nothing can be checked of.
    opaque: Vec<String>,
    /// Files that the model needs as long as it lives.
    _files: Option<TempDir>,
}

impl ModelSession {
    /// Loads a model file. `origin` leads its nodes back to a graph.
    ///
    /// # Errors
    /// When ONNX Runtime is missing or does not take the model.
    pub(crate) fn new(
        path: &Path,
        options: Options,
        origin: Box<dyn Origin>,
        declared: Option<Declared>,
    ) -> anyhow::Result<Self> {
        let models = Models {
            original: model::read(path)?,
            optimized: optimized(path, &options)?,
        };
        forget_peak();
        Ok(ModelSession {
            loaded: Loaded::load(path, &options)?,
            options,
            models,
            origin,
            declared,
            learned: None,
            opaque: Vec::new(),
            _files: None,
        })
    }

    /// Keeps the folder that the model's files are in.
    pub(crate) fn keeping(mut self, folder: TempDir) -> Self {
        self._files = Some(folder);
        self
    }

    /// Puts inputs where the model reads them, settles and learns its kernels.
    ///
    /// # Errors
    /// When an input does not fit, or a run fails.
    pub(crate) fn bind_tensors(&mut self, inputs: &[(String, DynTensor)]) -> anyhow::Result<()> {
        for (name, tensor) in inputs {
            self.loaded
                .bind(name, tensor)
                .with_context(|| format!("input {name}"))?;
        }
        for _ in 0..SETTLING_RUNS {
            self.loaded.run()?;
        }
        let trace = Trace::parse(&self.loaded.run_profiled()?)?;
        self.learned = Some(Learned::new(&trace, &self.models, self.origin.as_ref()));
        let mut opaque = Vec::new();
        self.loaded.each_output(&mut |name, tensor| {
            if tensor.is_none() {
                opaque.push(name.to_owned());
            }
            Ok(())
        })?;
        self.opaque = opaque;
        Ok(())
    }

    fn check_inputs(&self, inputs: &[HostTensor]) -> anyhow::Result<()> {
        let names = self.loaded.inputs().iter().map(|input| input.name());
        let count = names.len();
        anyhow::ensure!(
            inputs.len() == count,
            "the model takes {count} inputs, got {}",
            inputs.len()
        );
        let declared = self.declared.iter().flat_map(|declared| &declared.inputs);
        for ((name, spec), tensor) in names.zip(declared).zip(inputs) {
            anyhow::ensure!(
                *spec == tensor.spec(),
                "input {name} must be {spec}, got {}",
                tensor.spec()
            );
        }
        Ok(())
    }

    fn timed(&mut self, recorder: &mut Recorder<'_>) -> anyhow::Result<()> {
        let learned = self.learned.as_ref().context("inputs are not bound")?;
        recorder.begin();
        let text = self.loaded.run_profiled();
        // Writing the profile is no part of the run: its own events say how long that was.
        learned.record(&Trace::parse(&text?)?, recorder)
    }
}

impl Session for ModelSession {
    fn memory(&self) -> SessionMemory {
        SessionMemory {
            weights_bytes: Some(model::weight_bytes(&self.models.original)),
            ..SessionMemory::default()
        }
    }

    fn steps(&self) -> &[Step] {
        self.learned.as_ref().map_or(&[], |learned| &learned.steps)
    }

    fn bind(&mut self, inputs: &[HostTensor]) -> anyhow::Result<()> {
        self.check_inputs(inputs)?;
        let names: Vec<String> = self
            .loaded
            .inputs()
            .iter()
            .map(|input| input.name().to_owned())
            .collect();
        let tensors = names.into_iter().zip(inputs).map(|(name, tensor)| {
            let ty = element_type(tensor.dtype());
            let ty = ty.with_context(|| format!("input {name} has type {}", tensor.dtype()))?;
            let shape: Vec<i64> = tensor.shape().iter().map(|&size| size as i64).collect();
            Ok((name, upload(ty, &shape, tensor.data().as_bytes())?))
        });
        let tensors = tensors.collect::<anyhow::Result<Vec<_>>>()?;
        self.bind_tensors(&tensors)
    }

    fn run(&mut self, recorder: &mut Recorder<'_>) -> anyhow::Result<()> {
        if recorder.mode() == Mode::Timing {
            return self.timed(recorder);
        }
        anyhow::ensure!(self.learned.is_some(), "inputs are not bound");
        recorder.begin();
        let result = self.loaded.run();
        recorder.end();
        result?;
        if recorder.mode() == Mode::Shapes {
            for (index, step) in self.steps().iter().enumerate() {
                recorder.push_shapes(index as u32, step.outputs.clone());
            }
        }
        Ok(())
    }

    fn each_output(
        &mut self,
        take: &mut dyn FnMut(&str, HostTensor) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let declared = self.declared.as_ref();
        let mut own = declared.map_or(&[][..], |d| &d.outputs[..]).iter();
        self.loaded.each_output(&mut |name, tensor| {
            let name = own.next().map_or(name, String::as_str);
            tensor.map_or(Ok(()), |tensor| take(name, tensor))
        })
    }

    fn modes(&self) -> Vec<(String, String)> {
        let mut modes = self.options.describe();
        if !self.opaque.is_empty() {
            let names = self.opaque.join(", ");
            modes.push(("outputs.unchecked".to_owned(), names));
        }
        modes
    }
}

/// Starts anew to look for the largest memory in use: the session that only showed the optimised model
/// is no part of the run. Best effort: without `/proc` its memory counts.
fn forget_peak() {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: gives free memory back to the system; takes no pointer.
        unsafe { libc::malloc_trim(0) };
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    }
}
