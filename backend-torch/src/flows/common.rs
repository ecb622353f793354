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

/// What is pinned before anything runs.
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

    /// For the run record.
    pub(crate) fn describe(&self) -> Vec<(String, String)> {
        let on = |flag: bool| if flag { "on" } else { "off" }.to_owned();
        vec![
            ("threads".to_owned(), self.threads.to_string()),
            ("tf32".to_owned(), on(self.tf32)),
            ("cudnn.benchmark".to_owned(), on(false)),
            ("inference_mode".to_owned(), on(true)),
        ]
    }
}

/// Opens the device and pins the modes.
pub(crate) fn start(device: Device, modes: &Modes) -> anyhow::Result<()> {
    device::open(device)?;
    device::pin(modes.threads, modes.tf32)?;
    device::reset_peak(device)
}
