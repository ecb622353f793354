//! What the flows share: availability, threads, math modes.

use nongemm_core::dtype::DType;
use nongemm_core::plugin::{Availability, Device, Settings};

use crate::device;

/// Whether libtorch can use a device with this type.
pub(crate) fn check_device(device: Device, dtype: DType) -> Availability {
    if !dtype.is_float() {
        return Availability::missing(
            format!("models do not run in {dtype}"),
            "choose --dtype f32, f16, bf16 or f64",
        );
    }
    match device::open(device) {
        Ok(()) => Availability::ready(device.to_string()),
        Err(error) => Availability::missing(
            format!("{error:#}"),
            "check with `nvidia-smi` that the driver works and the GPU exists, \
             or choose --device cpu",
        ),
    }
}

/// The libraries behind the flows.
pub(crate) fn versions() -> Vec<(String, String)> {
    vec![("libtorch".to_owned(), device::version())]
}

/// libtorch's own threads, and those of the libraries in it.
pub(crate) fn environment(threads: usize) -> Vec<(String, String)> {
    ["OMP_NUM_THREADS", "MKL_NUM_THREADS"]
        .into_iter()
        .map(|name| (name.to_owned(), threads.to_string()))
        .collect()
}

/// What is to be pinned before anything runs; everything else has PyTorch's defaults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Modes {
    threads: usize,
    tf32: bool,
}

impl Modes {
    /// From the settings: `torch.tf32=true` allows the shortened floating-point type on GPUs.
    pub(crate) fn read(settings: &Settings, threads: usize) -> anyhow::Result<Self> {
        Ok(Modes {
            threads,
            tf32: settings.get("torch.tf32", false)?,
        })
    }
}

/// The modes that are in force, for the run record.
#[derive(Clone, Debug)]
pub(crate) struct Pinned(Vec<(String, String)>);

impl Pinned {
    /// Names and values.
    pub(crate) fn describe(&self) -> Vec<(String, String)> {
        self.0.clone()
    }
}

/// Opens the device and pins the modes.
pub(crate) fn start(device: Device, modes: &Modes) -> anyhow::Result<Pinned> {
    device::open(device)?;
    device::pin(modes.threads, modes.tf32)?;
    device::reset_peak(device)?;
    let mut pinned = device::modes(device)?;
    pinned.push(("inference_mode".to_owned(), "on".to_owned()));
    Ok(Pinned(pinned))
}
