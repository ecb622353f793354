//! `torch:compile`: the traced program through TorchDynamo and TorchInductor, as one package.

use std::collections::BTreeMap;

use anyhow::Context;
use nongemm_core::dtype::DType;
use nongemm_core::graph::Graph;
use nongemm_core::interpreter::Interpreter;
use nongemm_core::kernel::Engine;
use nongemm_core::op::{Op, OpInstance};
use nongemm_core::plugin::{
    Availability, Backend, Device, PrepareError, PrepareOptions, Session, Settings, Step,
    WeightSource,
};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use torch_sys::C_tensor;

use super::common::{self, Modes};
use super::eager::{self, Eager};
use super::mapping::Origins;
use super::recorded;
use super::script::{declared, output_names};
use super::whole::{Whole, WholeSession};
use crate::device::InferenceMode;
use crate::engine::{Tensor, Torch};
use crate::inductor::{self, Kernel};
use crate::package::Package;
use crate::program::Program;
use crate::recording::Call;

/// The backend `torch:compile`.
pub struct Compile;

register!(dyn Backend, &Compile);

impl Backend for Compile {
    fn id(&self) -> &'static str {
        "torch:compile"
    }

    fn summary(&self) -> &'static str {
        "the traced program through TorchDynamo and TorchInductor, ahead of time"
    }

    fn check(&self) -> Availability {
        match Eager.check() {
            Availability::Ready { .. } => inductor::check(),
            missing @ Availability::Missing { .. } => missing,
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
        Modes::read(settings, 1).map(|_| ())
    }

    fn has_kernel(&self, op: &dyn Op, inputs: &[TensorSpec]) -> bool {
        Eager.has_kernel(op, inputs)
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
        let modes = common::start(options.device, &modes)?;
        let _inference = InferenceMode::begin();
        let engine = Torch::new(options.device);
        let interpreter = Interpreter::prepare(engine, eager::kernels()?, graph, weights, options)?;
        let declared = declared(graph);
        let compiled = CompiledProgram {
            origins: Origins::of(&interpreter),
            source: Some(interpreter),
            device: options.device,
            threads: options.threads,
            package: None,
            kernels: BTreeMap::new(),
            names: output_names(graph),
        };
        let session = WholeSession::new(compiled, engine, modes, Some(declared));
        Ok(Box::new(session))
    }
}

/// A graph that is traced and compiled when its inputs are known.
struct CompiledProgram {
    /// Given up once traced: the package has weights of its own.
    source: Option<Interpreter<Torch>>,
    origins: Origins,
    device: Device,
    threads: usize,
    package: Option<Package>,
    kernels: BTreeMap<String, Kernel>,
    names: Vec<String>,
}

impl Whole for CompiledProgram {
    fn load(&mut self, inputs: &[Tensor]) -> anyhow::Result<()> {
        let mut source = self.source.take().context("the graph was traced before")?;
        source.bind_device(inputs)?;
        let program = Program::trace(&mut source, inputs).context("tracing")?;
        drop(source);
        let specs: Vec<TensorSpec> = inputs.iter().map(Torch::spec).collect();
        let compiled = inductor::compile(&program, &specs, self.device, self.threads)?;
        drop(program);
        self.kernels = compiled.kernels;
        self.package = Some(Package::load(&compiled.package, self.device)?);
        Ok(())
    }

    fn run(&mut self, inputs: &[*const C_tensor]) -> anyhow::Result<()> {
        let package = self.package.as_mut().context("nothing was compiled yet")?;
        package.run(inputs)
    }

    fn outputs(&self) -> anyhow::Result<Vec<(String, Tensor)>> {
        let package = self.package.as_ref().context("nothing was compiled yet")?;
        let outputs = package.outputs();
        anyhow::ensure!(
            outputs.len() == self.names.len(),
            "the compiled program returned {} outputs instead of {}",
            outputs.len(),
            self.names.len()
        );
        Ok(self.names.iter().cloned().zip(outputs).collect())
    }

    fn steps(&self, calls: Vec<Call>) -> anyhow::Result<Vec<Step>> {
        let calls = calls.into_iter().enumerate();
        Ok(calls.map(|(index, call)| self.step(index, call)).collect())
    }
}

impl CompiledProgram {
    /// Kernels are called under their names with the package's prefix; library calls under the names
    /// of the package's C interface.
    fn step(&self, index: usize, call: Call) -> Step {
        let known = self.kernels.iter();
        let kernel = known
            .filter(|(name, _)| call.name.ends_with(name.as_str()))
            .max_by_key(|(name, _)| name.len());
        let (op, kernel) = match kernel {
            Some((name, kernel)) => (name.clone(), kernel.clone()),
            None => (call.name, Kernel::default()),
        };
        Step {
            id: format!("k{index}"),
            scope: self.origins.common_scope(&kernel.scopes),
            vocabulary: "inductor",
            op,
            kind: None,
            counted: None,
            parents: Vec::new(),
            attrs: call.attrs,
            inputs: call.inputs,
            outputs: call.outputs,
            fused: kernel.ops,
            provider: None,
        }
    }
}
