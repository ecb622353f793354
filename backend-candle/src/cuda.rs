//! candle on NVIDIA GPUs: CUDA's libraries, and the clock and the memory of a device.
//!
//! A binary may be linked without CUDA's libraries and bind their functions when they are first called,
//! so that its flows on the CPU run on machines that have none. Then [`load`] must come before any call.

use std::mem::forget;
use std::sync::Arc;

use candle_core::Device;
use candle_core::cuda_backend::cudarc::driver::sys::{
    self, CUevent_flags, CUmemPool_attribute_enum,
};
use candle_core::cuda_backend::cudarc::driver::{CudaEvent, CudaStream};
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use nongemm_core::kernel::{DeviceTimer, MarkTimer, Marks};
use nongemm_core::plugin::SessionMemory;

/// A function of each of CUDA's libraries that candle calls, and the library as CUDA 13 names it.
const LIBRARIES: [(&str, &str); 3] = [
    ("cuInit", "libcuda.so.1"),
    ("cublasCreate_v2", "libcublas.so.13"),
    ("curandCreateGenerator", "libcurand.so.10"),
];

/// Makes CUDA's functions known to this process, where they are not yet.
///
/// # Errors
/// Names the library that is missing.
pub(crate) fn load() -> anyhow::Result<()> {
    let this = Library::this();
    for (function, name) in LIBRARIES {
        // SAFETY: the address is not used, only whether there is one.
        let known = unsafe { this.get::<unsafe extern "C" fn()>(function) }.is_ok();
        if !known {
            // SAFETY: CUDA's libraries may be loaded at any time.
            let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_GLOBAL) }?;
            // It stays loaded: its functions are bound from now on.
            forget(library);
        }
    }
    Ok(())
}

fn stream(device: &Device) -> Option<Arc<CudaStream>> {
    match device {
        Device::Cuda(device) => Some(device.cuda_stream()),
        Device::Cpu | Device::Metal(_) => None,
    }
}

/// The clock of a GPU: events on candle's stream, which tick in about half a microsecond.
///
/// # Errors
/// When the GPU has no room for the events.
pub(crate) fn timer(device: &Device, steps: usize) -> anyhow::Result<Option<Box<dyn DeviceTimer>>> {
    let Some(stream) = stream(device) else {
        return Ok(None);
    };
    let timed = Some(CUevent_flags::CU_EVENT_DEFAULT);
    let events: Result<Vec<CudaEvent>, _> = (0..MarkTimer::<Events>::marks(steps))
        .map(|_| stream.context().new_event(timed))
        .collect();
    let events = events?;
    Ok(Some(Box::new(MarkTimer::new(
        Events { stream, events },
        steps,
    ))))
}

struct Events {
    stream: Arc<CudaStream>,
    events: Vec<CudaEvent>,
}

impl Marks for Events {
    fn mark(&mut self, mark: usize) -> anyhow::Result<()> {
        Ok(self.events[mark].record(&self.stream)?)
    }

    fn elapsed_ns(&self, from: usize, to: usize) -> anyhow::Result<u64> {
        let ms = self.events[from].elapsed_ms(&self.events[to])?;
        Ok((f64::from(ms) * 1e6).round() as u64)
    }
}

/// The most memory that candle's tensors took and that CUDA's pool reserved for them, since the process
/// began; nothing where the device is the host or CUDA does not tell.
pub(crate) fn memory(device: &Device) -> SessionMemory {
    let Some(stream) = stream(device) else {
        return SessionMemory::default();
    };
    let mut pool = std::ptr::null_mut();
    // SAFETY: the address of a local; the device is that of a live context.
    let status =
        unsafe { sys::cuDeviceGetDefaultMemPool(&raw mut pool, stream.context().cu_device()) };
    let high = |attribute| {
        let mut bytes = 0u64;
        // SAFETY: both attributes are 64-bit numbers; the pool is the device's own.
        let status =
            unsafe { sys::cuMemPoolGetAttribute(pool, attribute, (&raw mut bytes).cast()) };
        status.result().is_ok().then_some(bytes)
    };
    if status.result().is_err() || !stream.context().has_async_alloc() {
        return SessionMemory::default();
    }
    SessionMemory {
        peak_device_bytes: high(CUmemPool_attribute_enum::CU_MEMPOOL_ATTR_USED_MEM_HIGH),
        peak_reserved_bytes: high(CUmemPool_attribute_enum::CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH),
        weights_bytes: None,
    }
}
