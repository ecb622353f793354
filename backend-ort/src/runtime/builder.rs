//! How sessions are made.

use std::path::Path;

use anyhow::Context;
use nongemm_core::plugin::Device;
use ort::AsPointer;
use ort::session::Session;
use ort::session::builder::{AutoDevicePolicy, BuilderResult, SessionBuilder};

use super::library::{PROVIDERS_REMEDY, library};
use super::options::{Options, provider};

/// Makes sessions with these options.
///
/// # Errors
/// When ONNX Runtime is missing, or has no execution provider that is asked for.
pub(super) fn builder(options: &Options) -> anyhow::Result<SessionBuilder> {
    let library = library()?;
    let mut builder = pinned(Session::builder(&library.environment)?, options).map_err(plain)?;
    for short in &options.providers {
        let name = provider(short, &library.providers).with_context(|| {
            format!(
                "execution provider {short} is not in {} (it has {}); {PROVIDERS_REMEDY}",
                library.path.display(),
                library.providers.join(", ")
            )
        })?;
        append(&mut builder, name, options.device)
            .with_context(|| format!("execution provider {short}"))?;
    }
    Ok(builder)
}

/// What is stated in the record's modes.
#[expect(
    clippy::result_large_err,
    reason = "the type is that of ort's builder; its error gives the builder back"
)]
fn pinned(builder: SessionBuilder, options: &Options) -> BuilderResult {
    let flag = |on: bool| if on { "1" } else { "0" };
    builder
        .with_optimization_level(options.optimization.level())?
        .with_intra_threads(options.threads)?
        .with_inter_threads(1)?
        .with_parallel_execution(false)?
        // The crate's own default would let ONNX Runtime choose a device by itself.
        .with_auto_device(AutoDevicePolicy::PreferCPU)?
        .with_intra_op_spinning(options.spinning)?
        .with_config_entry(
            "session.set_denormal_as_zero",
            flag(options.denormals_as_zero),
        )
}

/// Adds an execution provider by name, on the device of the run.
fn append(builder: &mut SessionBuilder, name: &str, device: Device) -> anyhow::Result<()> {
    let name = std::ffi::CString::new(name)?;
    let options = match device {
        Device::Cuda(index) => vec![(
            c"device_id".to_owned(),
            std::ffi::CString::new(index.to_string())?,
        )],
        Device::Cpu => Vec::new(),
    };
    let keys: Vec<_> = options.iter().map(|(key, _)| key.as_ptr()).collect();
    let values: Vec<_> = options.iter().map(|(_, value)| value.as_ptr()).collect();
    // SAFETY: all texts live through the call.
    checked(unsafe {
        (ort::api().SessionOptionsAppendExecutionProvider)(
            builder.ptr_mut(),
            name.as_ptr(),
            keys.as_ptr(),
            values.as_ptr(),
            options.len(),
        )
    })
}

/// Loads a model file.
///
/// # Errors
/// ONNX Runtime's own.
pub(super) fn commit(mut builder: SessionBuilder, path: &Path) -> anyhow::Result<Session> {
    builder.commit_from_file(path).map_err(plain)
}

/// A model to be tried.
#[derive(Clone, Copy)]
pub(crate) enum Trial<'m> {
    /// In a file.
    File(&'m Path),
    /// Its message.
    Message(&'m [u8]),
}

/// Whether ONNX Runtime's own kernels on the processor can run a model: it is loaded as it is, and dropped.
///
/// # Errors
/// ONNX Runtime's reason against it.
pub(crate) fn try_loading(model: Trial<'_>) -> anyhow::Result<()> {
    let builder = builder(&Options::bare())?;
    let mut builder = builder.with_prepacking(false).map_err(plain)?;
    match model {
        Trial::File(path) => commit(builder, path).map(drop),
        Trial::Message(bytes) => {
            let session = builder.commit_from_memory(bytes);
            session.map(drop).map_err(plain)
        }
    }
}

/// An error of ONNX Runtime's.
pub(super) fn checked(status: ort::sys::OrtStatusPtr) -> anyhow::Result<()> {
    // SAFETY: a status that a call just returned, used once.
    unsafe { ort::Error::result_from_status(status) }.map_err(plain)
}

/// ONNX Runtime's message in one line.
pub(super) fn plain<R>(error: ort::Error<R>) -> anyhow::Error {
    let lines = error.message().lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    anyhow::anyhow!("ONNX Runtime: {}", lines.join(" "))
}
