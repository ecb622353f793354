//! Devices as libtorch sees them: presence, clock, memory, math modes.

use std::ffi::{CStr, c_int, c_void};
use std::path::PathBuf;
use std::ptr::null_mut;

use anyhow::Context;
use nongemm_core::kernel::{DeviceTimer, MarkTimer, Marks};
use nongemm_core::plugin::{Device, SessionMemory};

use crate::ffi::{self, checked};

/// Whether the libtorch that was loaded is of the release that this crate was compiled with. Most others
/// lack something that is called, and the binary does not start.
///
/// # Errors
/// When it is another one; the message names both.
pub(crate) fn check_release() -> anyhow::Result<()> {
    // SAFETY: both take nothing and read constants.
    let [compiled, loaded] = unsafe {
        [
            ffi::nongemm_compiled_release(),
            ffi::nongemm_loaded_release(),
        ]
    };
    // The patch level changes nothing that is called.
    anyhow::ensure!(
        compiled >> 8 == loaded >> 8,
        "libtorch {} was loaded from {}, this binary is compiled with {}",
        release(loaded),
        library_folder()?.display(),
        release(compiled)
    );
    Ok(())
}

/// A byte each for major, minor and patch as text.
fn release(bytes: u64) -> String {
    let [.., major, minor, patch] = bytes.to_be_bytes();
    format!("{major}.{minor}.{patch}")
}

/// The libtorch that this crate was compiled with.
pub(crate) fn version() -> String {
    // SAFETY: a constant text.
    let version = unsafe { CStr::from_ptr(ffi::nongemm_torch_version()) };
    version.to_string_lossy().into_owned()
}

/// The folder that this process loaded libtorch from.
///
/// # Errors
/// When the system does not tell.
pub(crate) fn library_folder() -> anyhow::Result<PathBuf> {
    // SAFETY: null, or a text that is ours to free.
    let path = unsafe {
        let path = ffi::nongemm_library_path();
        anyhow::ensure!(!path.is_null(), "where libtorch was loaded from is unknown");
        PathBuf::from(ffi::owned(path))
    };
    let folder = path.parent().context("libtorch lies in no folder")?;
    Ok(folder.to_path_buf())
}

/// Makes a device usable: loads the CUDA half of libtorch when one is asked for.
///
/// # Errors
/// When CUDA cannot be loaded or there is no such GPU.
pub(crate) fn open(device: Device) -> anyhow::Result<()> {
    let Device::Cuda(index) = device else {
        return Ok(());
    };
    // SAFETY: loads a library of the same release that is linked.
    unsafe { checked(ffi::nongemm_load_cuda()) }
        .context("libtorch's CUDA library does not load")?;
    let mut count = 0;
    // SAFETY: the address of a local.
    unsafe { checked(ffi::nongemm_cuda_devices(&raw mut count)) }?;
    anyhow::ensure!(
        index < count as usize,
        "no device cuda:{index}: libtorch finds {count} GPUs"
    );
    Ok(())
}

/// Inference mode of this thread: no autograd bookkeeping while it lives.
pub(crate) struct InferenceMode(*mut c_void);

impl InferenceMode {
    pub(crate) fn begin() -> Self {
        // SAFETY: the handle is ended once, by `drop`.
        InferenceMode(unsafe { ffi::nongemm_inference_begin() })
    }
}

impl Drop for InferenceMode {
    fn drop(&mut self) {
        // SAFETY: made by `begin`, on this thread: the type is not `Send`.
        unsafe { ffi::nongemm_inference_end(self.0) }
    }
}

/// Pins threads and math modes.
pub(crate) fn pin(threads: usize, tf32: bool) -> anyhow::Result<()> {
    let threads = c_int::try_from(threads).context("absurd number of threads")?;
    // SAFETY: plain values.
    unsafe {
        checked(ffi::nongemm_set_threads(threads))?;
        checked(ffi::nongemm_set_math(tf32))?;
        anyhow::ensure!(
            ffi::nongemm_threads() == threads,
            "libtorch runs on {} threads, not on {threads}",
            ffi::nongemm_threads()
        );
    }
    Ok(())
}

/// The modes that are in force, as libtorch says, those of GPUs only where one is used.
pub(crate) fn modes(device: Device) -> anyhow::Result<Vec<(String, String)>> {
    let mut modes = null_mut();
    // SAFETY: the shim leaves a text that is ours to free.
    let modes = unsafe {
        checked(ffi::nongemm_modes(device != Device::Cpu, &raw mut modes))?;
        ffi::owned(modes)
    };
    let pair = |line: &str| {
        let (name, value) = line.split_once('\t')?;
        Some((name.to_owned(), value.to_owned()))
    };
    Ok(modes.lines().filter_map(pair).collect())
}

/// Waits until the device has finished all work.
pub(crate) fn synchronize(device: Device) -> anyhow::Result<()> {
    match device {
        Device::Cpu => Ok(()),
        // SAFETY: plain values.
        Device::Cuda(index) => unsafe { checked(ffi::nongemm_synchronize(index as c_int)) },
    }
}

/// Largest device memory in use since the last call; nothing where the device is the host.
pub(crate) fn memory(device: Device) -> SessionMemory {
    let Device::Cuda(index) = device else {
        return SessionMemory::default();
    };
    let (mut allocated, mut reserved) = (0, 0);
    let status = {
        // SAFETY: addresses of locals.
        unsafe { ffi::nongemm_peak(index as c_int, &raw mut allocated, &raw mut reserved) }
    };
    // SAFETY: a status of the shim, used once.
    let known = unsafe { checked(status) }.is_ok();
    SessionMemory {
        peak_device_bytes: known.then_some(allocated),
        peak_reserved_bytes: known.then_some(reserved),
        weights_bytes: None,
    }
}

/// Starts anew to look for the largest device memory in use.
pub(crate) fn reset_peak(device: Device) -> anyhow::Result<()> {
    match device {
        Device::Cpu => Ok(()),
        // SAFETY: plain values.
        Device::Cuda(index) => unsafe { checked(ffi::nongemm_reset_peak(index as c_int)) },
    }
}

/// The clock of a device that runs by itself.
pub(crate) fn timer(device: Device, steps: usize) -> anyhow::Result<Option<Box<dyn DeviceTimer>>> {
    let Device::Cuda(index) = device else {
        return Ok(None);
    };
    let events = Events::new(index, MarkTimer::<Events>::marks(steps))?;
    Ok(Some(Box::new(MarkTimer::new(events, steps))))
}

/// CUDA events on the stream.
struct Events(*mut c_void);

impl Events {
    fn new(index: usize, count: usize) -> anyhow::Result<Self> {
        let mut handle = null_mut();
        // SAFETY: the address of a local.
        unsafe {
            checked(ffi::nongemm_events_new(
                index as c_int,
                count,
                &raw mut handle,
            ))
        }?;
        Ok(Events(handle))
    }
}

impl Marks for Events {
    fn mark(&mut self, mark: usize) -> anyhow::Result<()> {
        // SAFETY: the handle lives as long as `self`.
        unsafe { checked(ffi::nongemm_events_mark(self.0, mark)) }
    }

    fn elapsed_ns(&self, from: usize, to: usize) -> anyhow::Result<u64> {
        let mut ns = 0.0;
        // SAFETY: the handle lives as long as `self`.
        unsafe { checked(ffi::nongemm_events_elapsed(self.0, from, to, &raw mut ns)) }?;
        Ok(ns as u64)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // SAFETY: made by `new`, freed once.
        unsafe { ffi::nongemm_events_free(self.0) }
    }
}
