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

/// Marks on a device's queue of work, numbered from 0; all made before the first run.
pub trait Marks {
    /// Notes the time at which the device gets to this point of its queue.
    ///
    /// # Errors
    /// When the device reports one.
    fn mark(&mut self, mark: usize) -> anyhow::Result<()>;

    /// Nanoseconds from one mark to another. The device has finished.
    ///
    /// # Errors
    /// When a mark was never reached.
    fn elapsed_ns(&self, from: usize, to: usize) -> anyhow::Result<u64>;
}

/// A [`DeviceTimer`] over marks: two for each step, and two for the run.
pub struct MarkTimer<M> {
    marks: M,
    steps: usize,
}

impl<M: Marks> MarkTimer<M> {
    /// Number of marks for a run of `steps` steps.
    pub const fn marks(steps: usize) -> usize {
        2 * steps + 2
    }

    /// The timer of runs of `steps` steps over `marks`, of which there are as many as
    /// [`MarkTimer::marks`] says.
    pub fn new(marks: M, steps: usize) -> Self {
        MarkTimer { marks, steps }
    }
}

impl<M: Marks> DeviceTimer for MarkTimer<M> {
    fn begin(&mut self) -> anyhow::Result<()> {
        self.marks.mark(2 * self.steps)
    }

    fn start(&mut self, step: usize) -> anyhow::Result<()> {
        self.marks.mark(2 * step)
    }

    fn stop(&mut self, step: usize) -> anyhow::Result<()> {
        self.marks.mark(2 * step + 1)
    }

    fn end(&mut self) -> anyhow::Result<()> {
        self.marks.mark(2 * self.steps + 1)
    }

    fn step_ns(&self, step: usize) -> anyhow::Result<u64> {
        self.marks.elapsed_ns(2 * step, 2 * step + 1)
    }

    fn wall_ns(&self) -> anyhow::Result<u64> {
        self.marks.elapsed_ns(2 * self.steps, 2 * self.steps + 1)
    }
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

    /// The crate that registers the kernel of an operator.
    pub fn crate_of(&self, op: &dyn Op) -> Option<&'static str> {
        let entry = self.by_type.get(&(op as &dyn Any).type_id());
        entry.map(|entry| entry.krate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device that gets to each mark ten nanoseconds after the one before.
    struct Ticks {
        at: Vec<Option<u64>>,
        now: u64,
    }

    impl Marks for Ticks {
        fn mark(&mut self, mark: usize) -> anyhow::Result<()> {
            self.now += 10;
            self.at[mark] = Some(self.now);
            Ok(())
        }

        fn elapsed_ns(&self, from: usize, to: usize) -> anyhow::Result<u64> {
            match (self.at[from], self.at[to]) {
                (Some(from), Some(to)) => Ok(to - from),
                _ => anyhow::bail!("never marked"),
            }
        }
    }

    #[test]
    fn steps_and_the_run_have_marks_of_their_own() {
        let at = vec![None; MarkTimer::<Ticks>::marks(2)];
        let mut timer = MarkTimer::new(Ticks { at, now: 0 }, 2);
        timer.begin().unwrap();
        timer.start(0).unwrap();
        timer.stop(0).unwrap();
        timer.start(1).unwrap();
        assert!(timer.step_ns(1).is_err());
        timer.stop(1).unwrap();
        timer.end().unwrap();
        assert_eq!(timer.step_ns(0).unwrap(), 10);
        assert_eq!(timer.step_ns(1).unwrap(), 10);
        assert_eq!(timer.wall_ns().unwrap(), 50);
    }
}
