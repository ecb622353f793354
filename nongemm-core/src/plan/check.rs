//! Everything about a run that can be checked without running it.

use std::path::{Path, PathBuf};

use super::UsageError;
use crate::graph::{CompositePolicy, Graph, GraphBuilder};
use crate::plugin::{
    Availability, Backend, Companions, Dataset, InputRequest, Model, ModelConfig, Plugins,
    Registered, Settings, WeightSource, split_location,
};
use crate::record::RunSpec;
use crate::run::Reader;

/// A run that was checked.
pub enum Checked {
    /// A registered model, as a graph.
    Graph(Box<CheckedRun>),
    /// A model file that the backend runs by itself.
    File(CheckedFile),
}

/// A run of a model file that was checked.
pub struct CheckedFile {
    /// The backend.
    pub backend: &'static dyn Backend,
    /// The file.
    pub path: PathBuf,
    /// The settings, all keys known.
    pub settings: Settings,
}

/// Whether a model is named by a file of a format that some backend runs: its extension then.
pub fn file_format(model: &str, plugins: &Plugins) -> Option<&'static str> {
    let extension = Path::new(model).extension()?.to_str()?;
    let mut formats = plugins
        .backends
        .iter()
        .flat_map(|entry| entry.plugin.file_formats());
    formats.find(|format| **format == extension).copied()
}

/// Checks everything about a run, of a registered model or of a file, that can be checked without
/// running it.
///
/// # Errors
/// One line that names what is wrong.
pub fn check_any(spec: &RunSpec, plugins: &Plugins) -> Result<Checked, UsageError> {
    let Some(format) = file_format(&spec.model, plugins) else {
        return Ok(Checked::Graph(Box::new(check(spec, plugins)?)));
    };
    let backend = available(spec, plugins)?;
    if !backend.file_formats().contains(&format) {
        return Err(UsageError(format!(
            "backend {} runs no .{format} files; {} do",
            spec.backend,
            backends_of(format, plugins).join(", ")
        )));
    }
    let path = PathBuf::from(&spec.model);
    if !path.is_file() {
        return Err(UsageError(format!("no model file {}", path.display())));
    }
    let settings = Settings::new(spec.settings.clone());
    backend.check_settings(&settings)?;
    backend.check_file(&path, spec.device, &settings)?;
    settings.finish()?;
    Ok(Checked::File(CheckedFile {
        backend,
        path,
        settings,
    }))
}

/// The backends that run files of a format.
fn backends_of(format: &str, plugins: &Plugins) -> Vec<&'static str> {
    let backends = plugins.backends.iter().map(|entry| entry.plugin);
    backends
        .filter(|backend| backend.file_formats().contains(&format))
        .map(|backend| backend.id())
        .collect()
}

/// The backend of a run, if it and the device can be used here.
fn available(spec: &RunSpec, plugins: &Plugins) -> Result<&'static dyn Backend, UsageError> {
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
    /// The dataset.
    pub dataset: &'static dyn Dataset,
    /// Where the dataset lies, if it needs to be told.
    pub dataset_path: Option<PathBuf>,
    /// Files that say how samples become inputs.
    pub companions: Companions,
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
    let (dataset, path) = split_location(&spec.dataset);
    let dataset = plugins.datasets.find(dataset)?;
    let checked = CheckedRun {
        model,
        backend,
        dataset: dataset.plugin,
        dataset_path: path.map(Path::to_owned),
        companions: Companions {
            tokenizer,
            preprocessor,
            folder: weights.folder(),
        },
        graph,
        weights,
        settings,
    };
    entry.guard(|model| model.preprocessor().modality())?;
    dataset
        .guard(|_| checked.check_inputs(spec.batch))?
        .map_err(|e| UsageError(format!("dataset {}: {e:#}", spec.dataset)))?;
    Ok(checked)
}

impl CheckedRun {
    /// What the graph wants of the dataset.
    pub fn request(&self, batch: usize) -> InputRequest {
        InputRequest::of(&self.graph, batch).with(self.companions.clone())
    }

    /// The samples that its preprocessor reads, or ready tensors.
    ///
    /// # Errors
    /// When the dataset cannot be opened or holds other samples.
    pub fn samples(&self) -> anyhow::Result<Reader> {
        let modality = self.model.preprocessor().modality();
        Reader::open(self.dataset, modality, self.dataset_path.as_deref())
    }

    /// Checks that there is at least one sample, and that the preprocessor has what it needs.
    fn check_inputs(&self, batch: usize) -> anyhow::Result<()> {
        let mut samples = self.samples()?;
        let is_ready = samples.is_ready();
        let first = samples.peek()?;
        match is_ready {
            true => Ok(()),
            false => self.model.preprocessor().check(first, &self.request(batch)),
        }
    }
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
