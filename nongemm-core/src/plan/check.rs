//! Everything about a run that can be checked without running it.

use std::path::PathBuf;

use super::UsageError;
use super::file::{self, CheckedFile, ModelFile};
use super::inputs::CheckedInputs;
use crate::graph::{CompositePolicy, Graph, GraphBuilder};
use crate::plugin::{
    Availability, Backend, Companions, InputRequest, Model, ModelConfig, Plugins, Registered,
    Settings, WeightSource,
};
use crate::record::RunSpec;

/// A run that was checked.
pub enum Checked {
    /// A registered model, as a graph.
    Graph(Box<CheckedRun>),
    /// A model file that the backend runs by itself.
    File(Box<CheckedFile>),
}

/// Checks everything about a run, of a registered model or of a file, that can be checked without
/// running it.
///
/// # Errors
/// One line that names what is wrong.
pub fn check_any(spec: &RunSpec, plugins: &Plugins) -> Result<Checked, UsageError> {
    match ModelFile::find(&spec.model, plugins) {
        Some(model) => Ok(Checked::File(Box::new(file::check(model, spec, plugins)?))),
        None => Ok(Checked::Graph(Box::new(check(spec, plugins)?))),
    }
}

/// The backend of a run, if it and the device can be used here.
pub(super) fn available(
    spec: &RunSpec,
    plugins: &Plugins,
) -> Result<&'static dyn Backend, UsageError> {
    let entry = plugins.backends.find(&spec.backend)?;
    let available = entry.guard(|backend| backend.check())?;
    require(&format!("backend {}", spec.backend), available)?;
    let available = entry.guard(|backend| backend.check_device(spec.device, spec.dtype))?;
    let what = format!("backend {} on {}", spec.backend, spec.device);
    require(&what, available)?;
    Ok(entry.plugin)
}

/// A run that was checked: its plugins and its graph.
pub struct CheckedRun {
    /// The model.
    pub model: &'static dyn Model,
    /// The backend.
    pub backend: &'static dyn Backend,
    /// Where its inputs come from.
    pub inputs: CheckedInputs,
    /// The graph, composites not yet expanded.
    pub graph: Graph,
    /// The weights, opened but not read.
    pub weights: Box<dyn WeightSource>,
    /// The settings, all keys known.
    pub settings: Settings,
}

/// Checks everything about a run that can be checked without running it: the backend is available,
/// the graph can be built, every setting is known, the weights fit, the dataset opens.
///
/// # Errors
/// One line that names what is wrong.
pub fn check(spec: &RunSpec, plugins: &Plugins) -> Result<CheckedRun, UsageError> {
    let entry = plugins.models.find(&spec.model)?;
    let model = entry.plugin;
    let backend = available(spec, plugins)?;
    let settings = Settings::new(spec.settings.clone());
    let graph = build(entry, spec, &settings)?;
    settings.find::<CompositePolicy>("composites")?;
    let tokenizer = settings.find::<PathBuf>("tokenizer")?;
    let preprocessor = settings.find::<PathBuf>("preprocessor")?;
    backend.check_settings(&settings)?;
    settings.finish()?;
    let weights = plugins.open_weights(&spec.weights)?;
    weights
        .verify(&graph)
        .map_err(|e| UsageError(format!("weights {}: {e:#}", spec.weights)))?;
    let companions = Companions {
        tokenizer,
        preprocessor,
        folder: weights.folder(),
    };
    let request = InputRequest::of(&graph, spec.batch).with(companions);
    let inputs = CheckedInputs::check(entry, spec, request, plugins)?;
    Ok(CheckedRun {
        model,
        backend,
        inputs,
        graph,
        weights,
        settings,
    })
}

fn require(what: &str, availability: Availability) -> Result<(), UsageError> {
    match availability {
        Availability::Ready { .. } => Ok(()),
        Availability::Missing { reason, remedy } => Err(UsageError(format!(
            "{what} is not available: {reason}; {remedy}"
        ))),
    }
}

/// Builds the graph of a model for a run.
///
/// # Errors
/// When the configuration is not possible.
pub fn build(
    model: &Registered<dyn Model>,
    spec: &RunSpec,
    settings: &Settings,
) -> Result<Graph, UsageError> {
    let config = ModelConfig {
        batch: spec.batch,
        seq: spec.seq,
        image: spec.image,
        dtype: spec.dtype,
        settings: settings.clone(),
    };
    graph_of(model, &config, settings)
}

/// The graph of a model; `settings` get to know the keys that the configuration's were asked for.
///
/// # Errors
/// When the configuration is not possible.
pub(super) fn graph_of(
    model: &Registered<dyn Model>,
    config: &ModelConfig,
    settings: &Settings,
) -> Result<Graph, UsageError> {
    let mut builder = GraphBuilder::new(config.dtype);
    let built = model.guard(|model| model.build(&mut builder, config))?;
    built.map_err(|e| UsageError(format!("model {}: {e}", model.plugin.id())))?;
    // The clone of the settings has seen the model's keys; the caller's must know them too.
    settings.learn(&config.settings);
    Ok(builder.finish())
}
