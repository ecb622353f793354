//! libtorch as an [`Engine`], and how kernels are registered for it.

use std::ops::Deref;

use nongemm_core::dtype::DType;
use nongemm_core::kernel::{DeviceTimer, Engine, KernelEntry};
use nongemm_core::plugin::{Device, SessionMemory};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostTensor;

use crate::convert;
use crate::device;

/// A tensor of libtorch: a counted reference to its storage.
#[derive(Debug)]
pub struct Tensor(pub tch::Tensor);

impl Clone for Tensor {
    fn clone(&self) -> Self {
        Tensor(self.0.shallow_clone())
    }
}

impl Deref for Tensor {
    type Target = tch::Tensor;

    fn deref(&self) -> &tch::Tensor {
        &self.0
    }
}

/// libtorch on one device.
#[derive(Clone, Copy, Debug)]
pub struct Torch {
    device: Device,
}

impl Torch {
    /// libtorch on `device`.
    pub fn new(device: Device) -> Self {
        Torch { device }
    }

    /// The device that tensors live on.
    pub fn device(&self) -> tch::Device {
        match self.device {
            Device::Cpu => tch::Device::Cpu,
            Device::Cuda(index) => tch::Device::Cuda(index),
        }
    }
}

impl Engine for Torch {
    type Tensor = Tensor;

    fn upload(&self, tensor: HostTensor) -> anyhow::Result<Tensor> {
        Ok(Tensor(convert::upload(&tensor, self.device())?))
    }

    fn download(&self, tensor: &Tensor) -> anyhow::Result<HostTensor> {
        convert::download(tensor)
    }

    /// Types without a counterpart (8-bit floating point, complex) read as bytes.
    fn spec(tensor: &Tensor) -> TensorSpec {
        let dtype = convert::from_torch(tensor.kind()).unwrap_or(DType::U8);
        let dims: Vec<usize> = tensor.size().iter().map(|&n| n as usize).collect();
        TensorSpec::new(dtype, dims)
    }

    fn synchronize(&self) -> anyhow::Result<()> {
        device::synchronize(self.device)
    }

    fn timer(&self, steps: usize) -> anyhow::Result<Option<Box<dyn DeviceTimer>>> {
        device::timer(self.device, steps)
    }

    fn memory(&self) -> SessionMemory {
        device::memory(self.device)
    }

    fn kernels() -> Vec<&'static KernelEntry<Self>> {
        inventory::iter::<TorchKernel>
            .into_iter()
            .map(|kernel| &kernel.0)
            .collect()
    }
}

/// The registration of a kernel for libtorch. Use [`register_kernel!`](crate::register_kernel).
pub struct TorchKernel(pub KernelEntry<Torch>);

inventory::collect!(TorchKernel);

/// Registers the kernel of an operator type that implements `Eval<Torch>`.
#[macro_export]
macro_rules! register_kernel {
    ($type:ty) => {
        $crate::inventory::submit! {
            $crate::TorchKernel($crate::KernelEntry::of::<$type>(env!("CARGO_PKG_NAME")))
        }
    };
}
