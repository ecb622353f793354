//! A model in ONNX Runtime: loaded, its inputs and outputs bound, run plainly or under the profiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};

use anyhow::Context;
use nongemm_core::plugin::Device;
use nongemm_core::tensor::HostTensor;
use ort::AsPointer;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::builder::SessionBuilder;
use ort::session::{IoBinding, RunOptions, Session};
use ort::value::{DynTensor, DynTensorValueType, DynValue, Outlet};
use prost::Message;
use tempfile::TempDir;

use super::builder::{builder, checked, commit, plain};
use super::options::Options;
use super::tensors;
use crate::proto::ModelProto;

/// A model that can run.
pub(crate) struct Loaded {
    session: Session,
    binding: IoBinding,
    run_options: RunOptions,
    /// Where the profiler writes.
    folder: TempDir,
    profiled: usize,
}

impl Loaded {
    /// Loads a model file.
    ///
    /// # Errors
    /// When ONNX Runtime is missing or cannot run the model; the message is its own.
    pub(crate) fn load(path: &Path, options: &Options) -> anyhow::Result<Self> {
        let session = commit(builder(options)?, path)?;
        let mut binding = session.create_binding()?;
        let place = memory(options.device)?;
        for output in session.outputs() {
            binding.bind_output_to_device(output.name(), &place)?;
        }
        let folder = tempfile::Builder::new().prefix("nongemm-ort").tempdir();
        Ok(Loaded {
            session,
            binding,
            run_options: RunOptions::new()?,
            folder: folder.context("no folder for profiles")?,
            profiled: 0,
        })
    }

    /// Inputs that every run needs.
    pub(crate) fn inputs(&self) -> &[Outlet] {
        self.session.inputs()
    }

    /// Puts an input where the model reads it, for all runs to come.
    pub(crate) fn bind(&mut self, name: &str, tensor: &DynTensor) -> anyhow::Result<()> {
        self.binding.bind_input(name, tensor).map_err(plain)?;
        Ok(self.binding.synchronize_inputs()?)
    }

    /// Runs the model once and waits for the device.
    #[inline]
    pub(crate) fn run(&mut self) -> anyhow::Result<()> {
        // Not through `Session::run_binding`, which fetches the outputs too: that is no part of a run.
        // SAFETY: session and binding live through the call and belong together.
        let status = unsafe {
            (ort::api().RunWithBinding)(self.session.ptr().cast_mut(), null(), self.binding.ptr())
        };
        checked(status)
    }

    /// Runs the model once under the profiler; what it wrote.
    pub(crate) fn run_profiled(&mut self) -> anyhow::Result<Vec<u8>> {
        // A new prefix for each run: ONNX Runtime tells files apart by the millisecond only.
        let prefix = format!("run{}", self.profiled);
        self.profiled += 1;
        self.run_options
            .enable_profiling(self.folder.path().join(&prefix))?;
        // SAFETY: as in `run`; the options live as long as `self`.
        let status = unsafe {
            (ort::api().RunWithBinding)(
                self.session.ptr().cast_mut(),
                self.run_options.ptr(),
                self.binding.ptr(),
            )
        };
        checked(status)?;
        let file = written(self.folder.path())?;
        let text = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        fs::remove_file(&file).ok();
        Ok(text)
    }

    /// Gives names and values of the last run's outputs one after the other, those that are no tensors of
    /// numbers as `None`.
    pub(crate) fn each_output(
        &self,
        take: &mut dyn FnMut(&str, Option<HostTensor>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let names = self.session.outputs().iter().map(Outlet::name);
        for (name, value) in names.zip(self.bound_outputs()?) {
            let tensor = match value.view().downcast::<DynTensorValueType>() {
                Ok(tensor) => tensors::download(&tensor),
                Err(_) => Ok(None),
            };
            take(name, tensor.with_context(|| format!("output {name}"))?)?;
        }
        Ok(())
    }

    fn bound_outputs(&self) -> anyhow::Result<Vec<DynValue>> {
        let allocator = self.session.allocator();
        let (mut values, mut count) = (null_mut(), 0);
        // SAFETY: addresses of locals; each value is taken over by its owner, the list is freed by the
        // allocator that it came from.
        unsafe {
            checked((ort::api().GetBoundOutputValues)(
                self.binding.ptr(),
                allocator.ptr().cast_mut(),
                &raw mut values,
                &raw mut count,
            ))?;
            if values.is_null() {
                return Ok(Vec::new());
            }
            let list = (0..count)
                .filter_map(|index| std::ptr::NonNull::new(*values.add(index)))
                .map(|value| DynValue::from_ptr(value, Some(allocator)))
                .collect();
            allocator.free(values);
            Ok(list)
        }
    }
}

/// The model as ONNX Runtime rewrites it for a session with these options: nodes, attributes and values,
/// without weights.
///
/// From a session of its own, gone when this returns: one that keeps its model for writing would keep a
/// second copy of the weights too.
///
/// # Errors
/// When ONNX Runtime cannot load the model.
pub(crate) fn optimized(path: &Path, options: &Options) -> anyhow::Result<ModelProto> {
    let folder = tempfile::Builder::new().prefix("nongemm-ort").tempdir()?;
    let file = folder.path().join("optimized.onnx");
    let builder = builder(options)?.with_optimized_model_path(&file);
    let builder = builder.map_err(plain)?.with_prepacking(false);
    let builder = without_weights(builder.map_err(plain)?, folder.path())?;
    drop(commit(builder, path)?);
    let bytes = fs::read(&file).context("ONNX Runtime wrote no optimised model")?;
    ModelProto::decode(bytes.as_slice()).context("ONNX Runtime's optimised model")
}

/// Lets weights be written to nowhere: only the structure is of interest, and weights may be larger than
/// a file of protobuf can be.
#[cfg(unix)]
fn without_weights(builder: SessionBuilder, folder: &Path) -> anyhow::Result<SessionBuilder> {
    const NAME: &str = "weights";
    /// Smaller tensors stay in the file: they are the constants that say what a node does.
    const AT_LEAST: &str = "1024";
    std::os::unix::fs::symlink("/dev/null", folder.join(NAME))?;
    let key = "session.optimized_model_external_initializers_";
    let builder = builder.with_config_entry(format!("{key}file_name"), NAME);
    let builder = builder.map_err(plain)?;
    builder
        .with_config_entry(format!("{key}min_size_in_bytes"), AT_LEAST)
        .map_err(plain)
}

#[cfg(not(unix))]
fn without_weights(builder: SessionBuilder, _folder: &Path) -> anyhow::Result<SessionBuilder> {
    Ok(builder)
}

/// The one file that the profiler wrote.
fn written(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut entries = folder
        .read_dir()
        .context("the folder for profiles is gone")?;
    let entry = entries.next().context("ONNX Runtime wrote no profile")?;
    Ok(entry?.path())
}

/// Where outputs stay.
fn memory(device: Device) -> anyhow::Result<MemoryInfo<'static>> {
    let (kind, index) = match device {
        Device::Cpu => (AllocationDevice::CPU, 0),
        Device::Cuda(index) => (AllocationDevice::CUDA, index as i32),
    };
    Ok(MemoryInfo::new(
        kind,
        index,
        AllocatorType::Device,
        MemoryType::Default,
    )?)
}
