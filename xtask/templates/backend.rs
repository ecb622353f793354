//! The backend `my-plugin`: the graph, node by node, on a library of your own.
//!
//! A library that runs whole graphs implements `Session` itself instead.

use std::sync::Arc;

use anyhow::bail;
use nongemm_core::dtype::DType;
use nongemm_core::graph::Graph;
use nongemm_core::interpreter::Interpreter;
use nongemm_core::inventory;
use nongemm_core::kernel::{Engine, Eval, KernelEntry, Kernels, Outputs, one};
use nongemm_core::op::Op;
use nongemm_core::plugin::{
    Availability, Backend, Device, PrepareError, PrepareOptions, Session, Settings, WeightSource,
};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::{HostData, HostTensor};
use nongemm_operators::{Activation, ActivationKind};

/// The library: its tensors are those of the host.
#[derive(Debug)]
pub struct Library;

/// A kernel; an operator's own crate may register one too.
pub struct Kernel(pub KernelEntry<Library>);

inventory::collect!(Kernel);

impl Engine for Library {
    type Tensor = Arc<HostTensor>;

    fn upload(&self, tensor: HostTensor) -> anyhow::Result<Self::Tensor> {
        Ok(Arc::new(tensor))
    }

    fn download(&self, tensor: &Self::Tensor) -> anyhow::Result<HostTensor> {
        Ok(tensor.as_ref().clone())
    }

    fn spec(tensor: &Self::Tensor) -> TensorSpec {
        tensor.spec()
    }

    fn synchronize(&self) -> anyhow::Result<()> {
        Ok(())
    }

    fn kernels() -> Vec<&'static KernelEntry<Self>> {
        let kernels = inventory::iter::<Kernel>.into_iter();
        kernels.map(|kernel| &kernel.0).collect()
    }
}

/// One operator; each has an `Eval`, in a file of its own once there are many.
impl Eval<Library> for Activation {
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        self.kind == ActivationKind::Relu && inputs.iter().all(|x| x.dtype == DType::F32)
    }

    fn eval(
        &self,
        _: &Library,
        x: &[&Arc<HostTensor>],
    ) -> anyhow::Result<Outputs<Arc<HostTensor>>> {
        let HostData::F32(values) = x[0].data() else {
            bail!("takes f32, got {}", x[0].spec());
        };
        let values = values.iter().map(|x| x.max(0.0)).collect();
        let y = HostTensor::new(x[0].shape(), HostData::F32(values))?;
        Ok(one(Arc::new(y)))
    }
}

inventory::submit! {
    Kernel(KernelEntry::of::<Activation>(env!("CARGO_PKG_NAME")))
}

/// The backend.
#[derive(Debug)]
pub struct MyPlugin;

register!(dyn Backend, &MyPlugin);

impl Backend for MyPlugin {
    fn id(&self) -> &'static str {
        "my-plugin"
    }

    fn summary(&self) -> &'static str {
        "the graph, node by node, on the host"
    }

    /// Says in one sentence each what is missing and how to get it.
    fn check(&self) -> Availability {
        Availability::ready("the host")
    }

    fn check_device(&self, device: Device, _: DType) -> Availability {
        match device {
            Device::Cpu => Availability::ready("cpu"),
            Device::Cuda(_) => Availability::missing("no kernels for GPUs", "use --device cpu"),
        }
    }

    fn versions(&self) -> Vec<(String, String)> {
        vec![(
            env!("CARGO_PKG_NAME").into(),
            env!("CARGO_PKG_VERSION").into(),
        )]
    }

    /// What makes the library keep to the number of threads that was asked for.
    fn environment(&self, _threads: usize) -> Vec<(String, String)> {
        Vec::new()
    }

    fn check_settings(&self, _: &Settings) -> anyhow::Result<()> {
        Ok(())
    }

    fn has_kernel(&self, op: &dyn Op, inputs: &[TensorSpec]) -> bool {
        Kernels::<Library>::collect().is_ok_and(|kernels| kernels.find(op, inputs).is_some())
    }

    fn prepare(
        &self,
        graph: &Graph,
        weights: &dyn WeightSource,
        options: &PrepareOptions,
    ) -> Result<Box<dyn Session>, PrepareError> {
        let kernels = Kernels::collect()?;
        let session = Interpreter::prepare(Library, &kernels, graph, weights, options)?;
        Ok(Box::new(session))
    }
}

#[cfg(test)]
mod tests {
    use nongemm_core::conformance::{Suite, Verdict};

    use super::*;

    /// Prints the table of all operators: supported, decomposed, missing, wrong.
    #[test]
    fn what_it_computes_is_right() {
        let report = Suite::new(&MyPlugin).report().unwrap();
        println!("{report}");
        report.check().unwrap();
        assert_eq!(report.with(Verdict::Supported), ["relu"]);
    }
}
