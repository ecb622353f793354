//! Kernels: how a backend that runs graphs node by node evaluates operators.
//!
//! Such a backend is an [`Engine`] with one [`Eval`] implementation for each operator it has a
//! kernel for. Kernels are registered through `inventory`, also from other crates, and found by the
//! operator's type when a graph is prepared; nothing is looked up while timing.

use std::any::{Any, TypeId};
use std::collections::HashMap;

use smallvec::SmallVec;

use crate::op::Op;
use crate::plugin::SessionMemory;
use crate::shape::TensorSpec;
use crate::tensor::HostTensor;

/// Outputs of one kernel call; nearly always one.
pub type Outputs<T> = SmallVec<[T; 1]>;

/// The outputs of a kernel that has one.
#[inline]
pub fn one<T>(output: T) -> Outputs<T> {
    Outputs::from_buf([output])
}

/// The clock of a device that works on its own, beside the host: marks on its queue of work, read once
/// it has finished. Marking allocates nothing and waits for nothing.
pub trait DeviceTimer {
    /// Marks the start of a run.
    ///
    /// # Errors
    /// When the device reports one; so for all that follow.
    fn begin(&mut self) -> anyhow::Result<()>;

    /// Marks the start of a step.
    fn start(&mut self, step: usize) -> anyhow::Result<()>;

    /// Marks the end of a step.
    fn stop(&mut self, step: usize) -> anyhow::Result<()>;

    /// Marks the end of the run.
    fn end(&mut self) -> anyhow::Result<()>;

    /// Nanoseconds between the marks of a step.
    fn step_ns(&self, step: usize) -> anyhow::Result<u64>;

    /// Nanoseconds between the marks of the run.
    fn wall_ns(&self) -> anyhow::Result<u64>;
}

/// A library that evaluates operators one by one.
pub trait Engine: Sized + 'static {
    /// The library's tensor: a cheap handle to shared storage.
    type Tensor: Clone;

    /// Copies a tensor to the engine's device.
    ///
    /// # Errors
    /// When the dtype is not supported or memory runs out.
    fn upload(&self, tensor: HostTensor) -> anyhow::Result<Self::Tensor>;

    /// Copies a tensor to the host.
    ///
    /// # Errors
    /// When the copy fails.
    fn download(&self, tensor: &Self::Tensor) -> anyhow::Result<HostTensor>;

    /// Shape and dtype of a tensor.
    fn spec(tensor: &Self::Tensor) -> TensorSpec;

    /// Waits until the device has finished all work.
    ///
    /// # Errors
    /// When the device reports an error.
    fn synchronize(&self) -> anyhow::Result<()>;

    /// A clock of the device for runs of `steps` steps; `None` where the host waits for each operator,
    /// so that the host's clock says all.
    ///
    /// # Errors
    /// When the device has no room for its marks.
    fn timer(&self, _steps: usize) -> anyhow::Result<Option<Box<dyn DeviceTimer>>> {
        Ok(None)
    }

    /// Memory as the library counts it.
    fn memory(&self) -> SessionMemory {
        SessionMemory::default()
    }

    /// The kernels that the crates of this binary register for this engine.
    fn kernels() -> Vec<&'static KernelEntry<Self>>;
}

/// A kernel of engine `E` for an operator.
pub trait Eval<E: Engine>: Op {
    /// Whether the kernel takes these inputs; most take all.
    fn takes(&self, _inputs: &[TensorSpec]) -> bool {
        true
    }

    /// Computes the outputs.
    ///
    /// # Errors
    /// When the library refuses the call.
    fn eval(&self, engine: &E, inputs: &[&E::Tensor]) -> anyhow::Result<Outputs<E::Tensor>>;
}

/// A kernel with its operator's type erased.
pub type KernelFn<E> =
    fn(&dyn Op, &E, &[&<E as Engine>::Tensor]) -> anyhow::Result<Outputs<<E as Engine>::Tensor>>;

/// The registration of a kernel. Backends wrap it in a macro of their own.
pub struct KernelEntry<E: Engine> {
    op_type: fn() -> TypeId,
    takes: fn(&dyn Op, &[TensorSpec]) -> bool,
    eval: KernelFn<E>,
    /// The crate that registers it.
    pub krate: &'static str,
}

fn typed<T: Op>(op: &dyn Op) -> Option<&T> {
    (op as &dyn Any).downcast_ref::<T>()
}

fn call<E: Engine, T: Eval<E>>(
    op: &dyn Op,
    engine: &E,
    inputs: &[&E::Tensor],
) -> anyhow::Result<Outputs<E::Tensor>> {
    match typed::<T>(op) {
        Some(op) => op.eval(engine, inputs),
        None => anyhow::bail!("kernel called with another operator, {}", op.name()),
    }
}

fn takes<E: Engine, T: Eval<E>>(op: &dyn Op, inputs: &[TensorSpec]) -> bool {
    typed::<T>(op).is_some_and(|op| op.takes(inputs))
}

impl<E: Engine> KernelEntry<E> {
    /// The entry for operator type `T`.
    pub const fn of<T: Eval<E>>(krate: &'static str) -> Self {
        KernelEntry {
            op_type: TypeId::of::<T>,
            takes: takes::<E, T>,
            eval: call::<E, T>,
            krate,
        }
    }
}

/// All kernels of an engine, by operator type.
pub struct Kernels<E: Engine> {
    by_type: HashMap<TypeId, &'static KernelEntry<E>>,
}

impl<E: Engine> Kernels<E> {
    /// Collects the registered kernels.
    ///
    /// # Errors
    /// When two crates register a kernel for the same operator.
    pub fn collect() -> anyhow::Result<Self> {
        let mut by_type: HashMap<TypeId, &'static KernelEntry<E>> = HashMap::new();
        for entry in E::kernels() {
            if let Some(other) = by_type.insert((entry.op_type)(), entry) {
                anyhow::bail!(
                    "two kernels for one operator, from `{}` and `{}`; remove one",
                    other.krate,
                    entry.krate
                );
            }
        }
        Ok(Kernels { by_type })
    }

    /// The kernel for an operator on these inputs.
    pub fn find(&self, op: &dyn Op, inputs: &[TensorSpec]) -> Option<KernelFn<E>> {
        let entry = self.by_type.get(&(op as &dyn Any).type_id())?;
        (entry.takes)(op, inputs).then_some(entry.eval)
    }
}
