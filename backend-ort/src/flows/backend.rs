//! The backend `ort`.

use std::path::Path;

use anyhow::Context;
use nongemm_core::dtype::DType;
use nongemm_core::graph::{CompositePolicy, Graph};
use nongemm_core::interpreter;
use nongemm_core::op::{Op, OpInstance};
use nongemm_core::plugin::{
    Availability, Backend, Device, FileInputs, PrepareError, PrepareOptions, Session, Settings,
    Step, WeightSource,
};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;

use super::file;
use super::session::{Declared, ModelSession};
use crate::emit::Forms;
use crate::export::{self, Model};
use crate::profile::{self, Origin};
use crate::replay;
use crate::runtime::{Options, PROVIDERS_REMEDY, library, provider};

/// The backend `ort`.
pub struct Ort;

register!(dyn Backend, &Ort);

impl Backend for Ort {
    fn id(&self) -> &'static str {
        "ort"
    }

    fn summary(&self) -> &'static str {
        "the graph as an ONNX model, or an .onnx file, on ONNX Runtime"
    }

    fn check(&self) -> Availability {
        match library() {
            Ok(library) => Availability::ready(format!("ONNX Runtime {}", library.version)),
            Err(missing) => Availability::missing(missing.reason, missing.remedy),
        }
    }

    fn check_device(&self, device: Device, dtype: DType) -> Availability {
        if !dtype.is_float() {
            return Availability::missing(
                format!("models do not run in {dtype}"),
                "choose --dtype f32, f16, bf16 or f64",
            );
        }
        if (device, dtype) == (Device::Cpu, DType::BF16) {
            return Availability::missing(
                "ONNX Runtime has no kernels in bf16 on the CPU",
                "choose --dtype f32, or f16, which it computes in f32",
            );
        }
        let library = match library() {
            Ok(library) => library,
            Err(missing) => return Availability::missing(missing.reason, missing.remedy),
        };
        if matches!(device, Device::Cuda(_)) && provider("cuda", &library.providers).is_none() {
            let reason = format!(
                "ONNX Runtime was built without CUDA ({})",
                library.path.display()
            );
            return Availability::missing(reason, PROVIDERS_REMEDY);
        }
        Availability::ready(device.to_string())
    }

    fn versions(&self) -> Vec<(String, String)> {
        let version = library().map(|library| library.version.clone());
        version
            .into_iter()
            .map(|version| ("onnxruntime".to_owned(), version))
            .collect()
    }

    /// ONNX Runtime has threads of its own, as many as a session is told.
    fn environment(&self, _: usize) -> Vec<(String, String)> {
        Vec::new()
    }

    fn check_settings(&self, settings: &Settings) -> anyhow::Result<()> {
        let options = Options::read(settings, Device::Cpu, 1)?;
        options.check()
    }

    fn has_kernel(&self, op: &dyn Op, inputs: &[TensorSpec]) -> bool {
        Forms::get().is_ok_and(|forms| forms.find(op, inputs).is_some())
    }

    fn file_formats(&self) -> &'static [&'static str] {
        file::FORMATS
    }

    fn check_file(
        &self,
        path: &Path,
        device: Device,
        settings: &Settings,
        inputs: FileInputs<'_>,
    ) -> anyhow::Result<()> {
        file::check(path, device, settings, inputs)
    }

    fn prepare_file(
        &self,
        path: &Path,
        options: &PrepareOptions,
        inputs: FileInputs<'_>,
    ) -> Result<Box<dyn Session>, PrepareError> {
        let own = Options::read(&options.settings, options.device, options.threads)?;
        Ok(Box::new(file::prepare(
            path,
            own,
            &options.settings,
            inputs,
        )?))
    }

    fn prepare_call(
        &self,
        vocabulary: &str,
        call: &OpInstance,
        options: &PrepareOptions,
    ) -> Result<Box<dyn Session>, PrepareError> {
        if vocabulary != profile::VOCABULARY {
            return Err(PrepareError::foreign(self.id(), vocabulary, call));
        }
        Ok(replay::call_session(call, options)?)
    }

    fn prepare(
        &self,
        graph: &Graph,
        weights: &dyn WeightSource,
        options: &PrepareOptions,
    ) -> Result<Box<dyn Session>, PrepareError> {
        let policy = options
            .settings
            .get("composites", CompositePolicy::default())
            .map_err(anyhow::Error::from)?;
        let model = Model::new(graph, policy)?;
        Ok(Box::new(exported(&model, weights, options)?))
    }
}

/// A session of a graph's model. Its weights are in a file of their own, which ONNX Runtime maps into
/// memory instead of copying it.
fn exported(
    model: &Model,
    weights: &dyn WeightSource,
    options: &PrepareOptions,
) -> anyhow::Result<ModelSession> {
    let own = Options::read(&options.settings, options.device, options.threads)?;
    let folder = tempfile::Builder::new().prefix("nongemm-ort").tempdir();
    let folder = folder.context("no folder for the exported model")?;
    let path = folder.path().join("model.onnx");
    export::write_apart(model, weights, &path)?;
    let origin = Exported(interpreter::steps(&model.graph));
    let declared = Declared {
        inputs: model
            .graph
            .inputs()
            .iter()
            .map(|input| model.graph.spec(input.value).clone())
            .collect(),
        outputs: graph_outputs(&model.graph),
    };
    let session = ModelSession::new(&path, own, Box::new(origin), Some(declared))?;
    Ok(session.keeping(folder))
}

fn graph_outputs(graph: &Graph) -> Vec<String> {
    graph
        .outputs()
        .iter()
        .map(|(name, _)| name.clone())
        .collect()
}

/// The steps of the graph that was exported; names of nodes hold their positions.
struct Exported(Vec<Step>);

impl Origin for Exported {
    fn step(&self, node: &str) -> Option<&Step> {
        self.0.get(export::node_index(node)?)
    }
}
