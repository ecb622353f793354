//! `torch`: the graph, node by node, on libtorch.

use std::path::Path;
use std::sync::OnceLock;

use nongemm_core::dtype::DType;
use nongemm_core::graph::Graph;
use nongemm_core::interpreter::Interpreter;
use nongemm_core::kernel::Kernels;
use nongemm_core::measure::Recorder;
use nongemm_core::op::{Op, OpInstance};
use nongemm_core::plugin::{
    Availability, Backend, Device, FileInputs, PrepareError, PrepareOptions, Session,
    SessionMemory, Settings, Step, WeightSource,
};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostTensor;

use super::{common, file, recorded};
use crate::device::{self, InferenceMode};
use crate::engine::Torch;

/// The backend `torch`.
pub struct Eager;

register!(dyn Backend, &Eager);

/// The kernels of this binary, collected once.
pub(crate) fn kernels() -> anyhow::Result<&'static Kernels<Torch>> {
    static KERNELS: OnceLock<Result<Kernels<Torch>, String>> = OnceLock::new();
    KERNELS
        .get_or_init(|| Kernels::collect().map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|message| anyhow::anyhow!("{message}"))
}

impl Backend for Eager {
    fn id(&self) -> &'static str {
        "torch"
    }

    fn summary(&self) -> &'static str {
        "the graph, node by node, on libtorch (PyTorch's eager mode)"
    }

    fn check(&self) -> Availability {
        if let Err(error) = device::check_release() {
            return Availability::missing(
                format!("{error:#}"),
                "take that folder out of LD_LIBRARY_PATH, or build with it again",
            );
        }
        match kernels() {
            Ok(_) => Availability::ready(format!("libtorch {}", device::version())),
            Err(error) => Availability::missing(
                format!("{error:#}"),
                "link only one crate that registers the kernel",
            ),
        }
    }

    fn check_device(&self, device: Device, dtype: DType) -> Availability {
        common::check_device(device, dtype)
    }

    fn versions(&self) -> Vec<(String, String)> {
        common::versions()
    }

    fn environment(&self, threads: usize) -> Vec<(String, String)> {
        common::environment(threads)
    }

    fn check_settings(&self, settings: &Settings) -> anyhow::Result<()> {
        common::Modes::read(settings, 1).map(|_| ())
    }

    fn has_kernel(&self, op: &dyn Op, inputs: &[TensorSpec]) -> bool {
        kernels().is_ok_and(|kernels| kernels.find(op, inputs).is_some())
    }

    fn file_formats(&self) -> &'static [&'static str] {
        file::FORMATS
    }

    /// As the archive is written: every operator through the dispatcher, none rewritten.
    fn prepare_file(
        &self,
        path: &Path,
        options: &PrepareOptions,
        inputs: FileInputs<'_>,
    ) -> Result<Box<dyn Session>, PrepareError> {
        file::prepare(path, options, inputs, None)
    }

    fn prepare_call(
        &self,
        vocabulary: &str,
        call: &OpInstance,
        options: &PrepareOptions,
    ) -> Result<Box<dyn Session>, PrepareError> {
        recorded::prepare(self, vocabulary, call, options)
    }

    fn prepare(
        &self,
        graph: &Graph,
        weights: &dyn WeightSource,
        options: &PrepareOptions,
    ) -> Result<Box<dyn Session>, PrepareError> {
        let modes = common::Modes::read(&options.settings, options.threads)?;
        let modes = common::start(options.device, &modes)?;
        let _inference = InferenceMode::begin();
        let engine = Torch::new(options.device);
        let interpreter = Interpreter::prepare(engine, kernels()?, graph, weights, options)?;
        Ok(Box::new(EagerSession { interpreter, modes }))
    }
}

/// The interpreter, in inference mode.
struct EagerSession {
    interpreter: Interpreter<Torch>,
    modes: common::Pinned,
}

impl Session for EagerSession {
    fn steps(&self) -> &[Step] {
        self.interpreter.steps()
    }

    fn bind(&mut self, inputs: &[HostTensor]) -> anyhow::Result<()> {
        let _inference = InferenceMode::begin();
        self.interpreter.bind(inputs)
    }

    fn run(&mut self, recorder: &mut Recorder<'_>) -> anyhow::Result<()> {
        let _inference = InferenceMode::begin();
        self.interpreter.run(recorder)
    }

    fn each_output(
        &mut self,
        take: &mut dyn FnMut(&str, HostTensor) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let _inference = InferenceMode::begin();
        self.interpreter.each_output(take)
    }

    fn modes(&self) -> Vec<(String, String)> {
        self.modes.describe()
    }

    fn restores_inputs(&self) -> bool {
        self.interpreter.restores_inputs()
    }

    fn memory(&self) -> SessionMemory {
        self.interpreter.memory()
    }
}
