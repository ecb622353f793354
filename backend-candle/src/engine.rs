//! candle as an [`Engine`], and how kernels are registered for it.

use candle_core::{Device, Tensor};
use nongemm_core::kernel::{Engine, KernelEntry};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostTensor;

use crate::convert;

/// candle on one device.
#[derive(Clone, Debug)]
pub struct Candle {
    device: Device,
}

impl Candle {
    /// candle on `device`.
    pub fn new(device: Device) -> Self {
        Candle { device }
    }

    /// The device that tensors live on.
    pub fn device(&self) -> &Device {
        &self.device
    }
}

impl Engine for Candle {
    type Tensor = Tensor;

    fn upload(&self, tensor: HostTensor) -> anyhow::Result<Tensor> {
        convert::upload(tensor, &self.device)
    }

    fn download(&self, tensor: &Tensor) -> anyhow::Result<HostTensor> {
        convert::download(tensor)
    }

    /// Bool tensors read as `u8`.
    fn spec(tensor: &Tensor) -> TensorSpec {
        convert::spec(tensor)
    }

    fn synchronize(&self) -> anyhow::Result<()> {
        Ok(self.device.synchronize()?)
    }

    #[cfg(feature = "cuda")]
    fn timer(
        &self,
        steps: usize,
    ) -> anyhow::Result<Option<Box<dyn nongemm_core::kernel::DeviceTimer>>> {
        crate::cuda::timer(&self.device, steps)
    }

    #[cfg(feature = "cuda")]
    fn memory(&self) -> nongemm_core::plugin::SessionMemory {
        crate::cuda::memory(&self.device)
    }

    fn kernels() -> Vec<&'static KernelEntry<Self>> {
        inventory::iter::<CandleKernel>
            .into_iter()
            .map(|kernel| &kernel.0)
            .collect()
    }
}

/// The registration of a kernel for candle. Use [`register_kernel!`](crate::register_kernel).
pub struct CandleKernel(pub KernelEntry<Candle>);

inventory::collect!(CandleKernel);

/// Registers the kernel of an operator type that implements `Eval<Candle>`.
#[macro_export]
macro_rules! register_kernel {
    ($type:ty) => {
        $crate::inventory::submit! {
            $crate::CandleKernel($crate::KernelEntry::of::<$type>(env!("CARGO_PKG_NAME")))
        }
    };
}
