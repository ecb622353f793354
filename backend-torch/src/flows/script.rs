//! `torch:script`: the eager run traced to TorchScript, frozen, optimised and run by libtorch.

use std::path::Path;

use anyhow::Context;
use nongemm_core::dtype::DType;
use nongemm_core::graph::Graph;
use nongemm_core::interpreter::Interpreter;
use nongemm_core::op::{Op, OpInstance};
use nongemm_core::plugin::{
    Availability, Backend, Device, FileInputs, PrepareError, PrepareOptions, Session, Settings,
    Step, WeightSource,
};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use torch_sys::C_tensor;

use super::common::{self, Modes};
use super::eager::{self, Eager};
use super::mapping::{Origins, steps};
use super::whole::{Declared, Whole, WholeSession};
use super::{file, recorded};
use crate::device::InferenceMode;
use crate::engine::{Tensor, Torch};
use crate::program::{Optimization, Program, executed_nodes};
use crate::recording::Call;

/// The backend `torch:script`.
pub struct Script;

register!(dyn Backend, &Script);

/// The setting that says how far programs are rewritten.
const OPTIMIZATION: &str = "torch.script";

fn optimization(settings: &Settings) -> anyhow::Result<Optimization> {
    let choice = settings.choice(OPTIMIZATION, &["freeze", "inference", "none"])?;
    Ok(match choice {
        "freeze" => Optimization::Freeze,
        "inference" => Optimization::Inference,
        _ => Optimization::None,
    })
}

impl Backend for Script {
    fn id(&self) -> &'static str {
        "torch:script"
    }

    fn summary(&self) -> &'static str {
        "the eager run traced to TorchScript, frozen and run by libtorch"
    }

    fn check(&self) -> Availability {
        Eager.check()
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
        optimization(settings)?;
        Modes::read(settings, 1).map(|_| ())
    }

    fn has_kernel(&self, op: &dyn Op, inputs: &[TensorSpec]) -> bool {
        Eager.has_kernel(op, inputs)
    }

    fn file_formats(&self) -> &'static [&'static str] {
        file::FORMATS
    }

    fn prepare_file(
        &self,
        path: &Path,
        options: &PrepareOptions,
        inputs: FileInputs<'_>,
    ) -> Result<Box<dyn Session>, PrepareError> {
        file::prepare(
            path,
            options,
            inputs,
            Some(optimization(&options.settings)?),
        )
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
        let modes = Modes::read(&options.settings, options.threads)?;
        let optimization = optimization(&options.settings)?;
        let modes = common::start(options.device, &modes)?;
        let _inference = InferenceMode::begin();
        let engine = Torch::new(options.device);
        let interpreter = Interpreter::prepare(engine, eager::kernels()?, graph, weights, options)?;
        let declared = declared(graph);
        let traced = Traced {
            origins: Origins::of(&interpreter),
            source: Some(interpreter),
            program: None,
            optimization,
            names: output_names(graph),
        };
        let session = WholeSession::new(traced, engine, modes, Some(declared));
        Ok(Box::new(session))
    }
}

/// The inputs of a graph.
pub(crate) fn declared(graph: &Graph) -> Vec<Declared> {
    let inputs = graph.inputs().iter();
    inputs
        .map(|input| Declared {
            name: input.name.clone(),
            spec: graph.spec(input.value).clone(),
        })
        .collect()
}

/// The names of a graph's outputs.
pub(crate) fn output_names(graph: &Graph) -> Vec<String> {
    graph
        .outputs()
        .iter()
        .map(|(name, _)| name.clone())
        .collect()
}

/// A graph that is traced when its inputs are known.
struct Traced {
    /// The graph as it is traced; given up afterwards, the program then holds the weights.
    source: Option<Interpreter<Torch>>,
    origins: Origins,
    program: Option<Program>,
    optimization: Optimization,
    names: Vec<String>,
}

impl Traced {
    fn program(&self) -> anyhow::Result<&Program> {
        self.program.as_ref().context("nothing was traced yet")
    }
}

impl Whole for Traced {
    fn load(&mut self, inputs: &[Tensor]) -> anyhow::Result<()> {
        let mut source = self.source.take().context("the graph was traced before")?;
        source.bind_device(inputs)?;
        let mut program = Program::trace(&mut source, inputs).context("tracing")?;
        drop(source);
        program
            .optimize(self.optimization)
            .context("optimising the traced program")?;
        self.program = Some(program);
        Ok(())
    }

    fn run(&mut self, inputs: &[*const C_tensor]) -> anyhow::Result<()> {
        let program = self.program.as_mut().context("nothing was traced yet")?;
        program.run(inputs)
    }

    fn outputs(&self) -> anyhow::Result<Vec<(String, Tensor)>> {
        let outputs = self.program()?.outputs();
        anyhow::ensure!(
            outputs.len() == self.names.len(),
            "the traced program returned {} outputs instead of {}",
            outputs.len(),
            self.names.len()
        );
        let tensors = outputs.into_iter().map(|(_, tensor)| tensor);
        Ok(self.names.iter().cloned().zip(tensors).collect())
    }

    fn steps(&self, calls: Vec<Call>) -> anyhow::Result<Vec<Step>> {
        Ok(steps(calls, &executed_nodes()?, &self.origins))
    }
}
