//! Backends: flows that run a graph on a device.

use std::path::Path;
use std::sync::Arc;

use super::availability::Availability;
use super::dataset::RequestedInput;
use super::device::Device;
use super::registry::plugin_kind;
use super::settings::Settings;
use super::weights::WeightSource;
use crate::dtype::DType;
use crate::graph::{Graph, LowerError};
use crate::measure::Recorder;
use crate::op::{Attrs, Op, OpGroup, OpInstance, OpTraits};
use crate::shape::TensorSpec;
use crate::tensor::HostTensor;

/// What a backend needs to know to prepare a graph.
#[derive(Clone, Debug)]
pub struct PrepareOptions {
    /// Where to run.
    pub device: Device,
    /// Floating-point type of the run.
    pub dtype: DType,
    /// Number of threads; the worker process was already started with it.
    pub threads: usize,
    /// Settings of the run, the backend's own among them.
    pub settings: Settings,
}

/// Where the inputs of a model file come from.
#[derive(Clone, Copy, Debug)]
pub enum FileInputs<'a> {
    /// From beside the file, or made up: the backend knows.
    Own,
    /// From a dataset; [`Session::bind`] gets them in this order.
    Given(&'a [RequestedInput]),
}

/// Why a graph cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The graph holds operators that the backend cannot run.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// Anything else: weights, device, settings.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl PrepareError {
    /// For a call in a vocabulary of which the flow `id` runs no operators alone.
    pub fn foreign(id: &str, vocabulary: &str, call: &OpInstance) -> Self {
        let op = &call.op;
        anyhow::anyhow!("backend {id} runs no {vocabulary} operators alone ({op})").into()
    }
}

/// The composite that a step is a part of.
#[derive(Clone, Debug, PartialEq)]
pub struct Parent {
    /// Its id.
    pub id: String,
    /// Its operator name.
    pub op: String,
    /// Whether its parts are counted in its group, as one operator.
    pub counted_whole: bool,
    /// Attributes.
    pub attrs: Attrs,
    /// Specs of its inputs as inferred.
    pub inputs: Vec<TensorSpec>,
    /// Its characteristics.
    pub traits: OpTraits,
}

/// What one event of a session refers to.
#[derive(Clone, Debug)]
pub struct Step {
    /// Id, unique in the session.
    pub id: String,
    /// Module path.
    pub scope: String,
    /// Which names the flow uses: `ir`, `aten`, `onnx`, ...
    pub vocabulary: &'static str,
    /// The operator's name.
    pub op: String,
    /// The operator itself, where the flow runs the graph.
    pub kind: Option<Arc<dyn Op>>,
    /// The group of the graph's node, composites taken into account.
    pub counted: Option<OpGroup>,
    /// The composite that it is a part of, and that one's parent, and so on.
    pub parents: Vec<Arc<Parent>>,
    /// Attributes.
    pub attrs: Attrs,
    /// Specs of its inputs as inferred.
    pub inputs: Vec<TensorSpec>,
    /// Specs of its outputs as inferred.
    pub outputs: Vec<TensorSpec>,
    /// The operators that a fused step holds.
    pub fused: Vec<String>,
    /// What ran it, in flows whose library chooses among several execution providers.
    pub provider: Option<String>,
}

/// Memory as the backend itself counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionMemory {
    /// Largest amount of device memory in use; `None` when the device is the host.
    pub peak_device_bytes: Option<u64>,
    /// Largest amount of device memory that the library's allocator reserved from the driver.
    pub peak_reserved_bytes: Option<u64>,
    /// Weights of a user's own model, where the flow can tell them; the size of its file stands for them
    /// otherwise. Nothing for graphs, which know it themselves.
    pub weights_bytes: Option<u64>,
}

/// A prepared graph: weights loaded, kernels chosen.
///
/// The clock runs only during [`run`](Self::run): binding inputs and fetching outputs are apart, so
/// that inputs are on the device before it starts and outputs stay there.
///
/// ```
/// use nongemm_core::measure::{Mode, Monotonic, Recorder};
/// use nongemm_core::plugin::{Session, Step};
/// use nongemm_core::tensor::{HostData, HostTensor};
///
/// /// Gives back what is bound; it has no step.
/// #[derive(Default)]
/// struct Echo(Vec<HostTensor>);
///
/// impl Session for Echo {
///     fn steps(&self) -> &[Step] {
///         &[]
///     }
///
///     fn bind(&mut self, inputs: &[HostTensor]) -> anyhow::Result<()> {
///         self.0 = inputs.to_vec();
///         Ok(())
///     }
///
///     fn run(&mut self, recorder: &mut Recorder<'_>) -> anyhow::Result<()> {
///         recorder.begin();
///         // Each step: `let start = recorder.now();`, the kernel, `recorder.push(step, start, recorder.now())`.
///         recorder.end();
///         Ok(())
///     }
///
///     fn each_output(
///         &mut self,
///         take: &mut dyn FnMut(&str, HostTensor) -> anyhow::Result<()>,
///     ) -> anyhow::Result<()> {
///         self.0.iter().try_for_each(|tensor| take("echo", tensor.clone()))
///     }
/// }
///
/// let mut session = Echo::default();
/// session.bind(&[HostTensor::new([2], HostData::F32(vec![1.0, 2.0]))?])?;
/// let clock = Monotonic::new();
/// let mut recorder = Recorder::new(&clock, Mode::Timing, session.steps().len());
/// session.run(&mut recorder)?;
/// recorder.check_closure()?;
/// assert_eq!(session.outputs()?[0].0, "echo");
/// # Ok::<(), anyhow::Error>(())
/// ```
pub trait Session {
    /// What the step indices of recorded events refer to. Flows that learn their steps by running
    /// may change it with each recorded run.
    fn steps(&self) -> &[Step];

    /// Puts inputs on the device, in the order of the graph's inputs.
    ///
    /// # Errors
    /// When their number, shapes or dtypes are wrong, or the device is out of memory.
    fn bind(&mut self, inputs: &[HostTensor]) -> anyhow::Result<()>;

    /// Runs the graph once and waits for the device. With a recorder that is off nothing is recorded;
    /// with one that is on, one event for each step.
    ///
    /// # Errors
    /// When an operator fails; the message names it and its module path.
    fn run(&mut self, recorder: &mut Recorder<'_>) -> anyhow::Result<()>;

    /// Gives the outputs of the last run by name, one after the other, so that no more than one of them
    /// is copied to the host at a time.
    ///
    /// # Errors
    /// When nothing was run yet, the copy fails, or `take` does.
    fn each_output(
        &mut self,
        take: &mut dyn FnMut(&str, HostTensor) -> anyhow::Result<()>,
    ) -> anyhow::Result<()>;

    /// All outputs of the last run by name.
    ///
    /// # Errors
    /// As [`each_output`](Self::each_output).
    fn outputs(&mut self) -> anyhow::Result<Vec<(String, HostTensor)>> {
        let mut outputs = Vec::new();
        self.each_output(&mut |name, tensor| {
            outputs.push((name.to_owned(), tensor));
            Ok(())
        })?;
        Ok(outputs)
    }

    /// Math modes and thread counts that the session runs with, by name.
    fn modes(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Whether a run gives inputs that the one before wrote over their values back, before its clock starts.
    fn restores_inputs(&self) -> bool {
        false
    }

    /// Memory as the backend counts it.
    fn memory(&self) -> SessionMemory {
        SessionMemory::default()
    }
}

/// A flow that runs graphs.
///
/// ```
/// use nongemm_core::dtype::DType;
/// use nongemm_core::graph::Graph;
/// use nongemm_core::op::Op;
/// use nongemm_core::plugin::{
///     Availability, Backend, Device, Plugins, PrepareError, PrepareOptions, Session, Settings,
///     WeightSource,
/// };
/// use nongemm_core::shape::TensorSpec;
///
/// /// A flow that is not written yet.
/// struct Later;
///
/// impl Backend for Later {
///     fn id(&self) -> &'static str {
///         "later"
///     }
///
///     fn summary(&self) -> &'static str {
///         "the graph on an accelerator of ours"
///     }
///
///     fn check(&self) -> Availability {
///         Availability::missing("libours.so cannot be loaded", "install our driver")
///     }
///
///     fn check_device(&self, device: Device, _: DType) -> Availability {
///         match device {
///             Device::Cpu => self.check(),
///             Device::Cuda(_) => Availability::missing("it is no CUDA device", "choose --device cpu"),
///         }
///     }
///
///     fn versions(&self) -> Vec<(String, String)> {
///         Vec::new()
///     }
///
///     fn environment(&self, threads: usize) -> Vec<(String, String)> {
///         vec![("OURS_THREADS".to_owned(), threads.to_string())]
///     }
///
///     fn check_settings(&self, settings: &Settings) -> anyhow::Result<()> {
///         settings.choice("ours.mode", &["fast", "exact"])?;
///         Ok(())
///     }
///
///     fn has_kernel(&self, _: &dyn Op, _: &[TensorSpec]) -> bool {
///         false
///     }
///
///     fn prepare(
///         &self,
///         _: &Graph,
///         _: &dyn WeightSource,
///         _: &PrepareOptions,
///     ) -> Result<Box<dyn Session>, PrepareError> {
///         Err(anyhow::anyhow!("it cannot run yet").into())
///     }
/// }
///
/// nongemm_core::register!(dyn Backend, &Later);
///
/// let plugins = Plugins::collect()?;
/// assert!(!plugins.backends.get("later")?.check().is_ready());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Backend: Send + Sync {
    /// The id that users name it by.
    fn id(&self) -> &'static str;

    /// What it is, in one line.
    fn summary(&self) -> &'static str;

    /// Whether it can be used here at all.
    fn check(&self) -> Availability;

    /// Whether `device` can be used with `dtype`.
    fn check_device(&self, device: Device, dtype: DType) -> Availability;

    /// Names and versions of the libraries behind it.
    fn versions(&self) -> Vec<(String, String)>;

    /// Environment variables for the worker process of a run with this number of threads.
    fn environment(&self, threads: usize) -> Vec<(String, String)>;

    /// Reads the backend's own settings, so that wrong ones are found before anything runs.
    ///
    /// # Errors
    /// When a value does not parse.
    fn check_settings(&self, settings: &Settings) -> anyhow::Result<()>;

    /// Whether there is a kernel for an operator on these inputs.
    fn has_kernel(&self, op: &dyn Op, inputs: &[TensorSpec]) -> bool;

    /// Extensions of the model files that the flow runs by itself, as they are, without a graph.
    fn file_formats(&self) -> &'static [&'static str] {
        &[]
    }

    /// Checks what can be checked of a model file before it runs, and reads the settings that it asks for.
    ///
    /// # Errors
    /// One line that names what is wrong.
    fn check_file(
        &self,
        _path: &Path,
        _device: Device,
        _settings: &Settings,
        _inputs: FileInputs<'_>,
    ) -> anyhow::Result<()> {
        Ok(())
    }

    /// Prepares a model file of one of [`file_formats`](Self::file_formats), with its own inputs bound unless
    /// they are given.
    ///
    /// # Errors
    /// When the file or its inputs are missing or damaged, or the device is not there.
    fn prepare_file(
        &self,
        path: &Path,
        _options: &PrepareOptions,
        _inputs: FileInputs<'_>,
    ) -> Result<Box<dyn Session>, PrepareError> {
        let error = anyhow::anyhow!("backend {} runs no files ({})", self.id(), path.display());
        Err(PrepareError::Other(error))
    }

    /// Prepares one call of a vocabulary other than the graph's, as a run of the flow recorded it, with
    /// made-up inputs bound.
    ///
    /// # Errors
    /// When the flow runs no such calls alone, or the record does not say enough of this one.
    fn prepare_call(
        &self,
        vocabulary: &str,
        call: &OpInstance,
        _options: &PrepareOptions,
    ) -> Result<Box<dyn Session>, PrepareError> {
        Err(PrepareError::foreign(self.id(), vocabulary, call))
    }

    /// Loads the weights and chooses a kernel for every node.
    ///
    /// # Errors
    /// When operators are missing, weights do not load, or the device is not there.
    fn prepare(
        &self,
        graph: &Graph,
        weights: &dyn WeightSource,
        options: &PrepareOptions,
    ) -> Result<Box<dyn Session>, PrepareError>;
}

plugin_kind!(Backend, "backend");
