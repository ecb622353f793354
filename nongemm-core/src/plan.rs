//! From a manifest and flags to a list of runs.

use std::collections::{BTreeMap, BTreeSet};

use crate::dtype::DType;
use crate::graph::{Graph, GraphBuilder};
use crate::manifest::{Manifest, ManifestError, RunTable};
use crate::measure::Limits;
use crate::op::{OpError, OpGroup, OpRegistry};
use crate::plugin::{
    Availability, Backend, Dataset, Device, HardwareProbe, Model, ModelConfig, Profiler, Registry,
    RegistryError, Reporter, Settings, WeightFormat, WeightSource,
};
use crate::record::RunSpec;

/// Everything that the crates of this binary register.
pub struct Plugins {
    /// Models.
    pub models: Registry<dyn Model>,
    /// Backends.
    pub backends: Registry<dyn Backend>,
    /// Datasets.
    pub datasets: Registry<dyn Dataset>,
    /// Weight formats.
    pub weights: Registry<dyn WeightFormat>,
    /// Hardware probes.
    pub probes: Registry<dyn HardwareProbe>,
    /// Profilers.
    pub profilers: Registry<dyn Profiler>,
    /// Reporters.
    pub reporters: Registry<dyn Reporter>,
    /// Operators.
    pub ops: OpRegistry,
}

/// Why a binary's plugins cannot be used together.
#[derive(Debug, thiserror::Error)]
pub enum PluginsError {
    /// Two plugins have one id.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Two operators have one name.
    #[error(transparent)]
    Op(#[from] OpError),
}

impl Plugins {
    /// Collects all registered plugins.
    ///
    /// # Errors
    /// When two of a kind have the same id.
    pub fn collect() -> Result<Self, PluginsError> {
        Ok(Plugins {
            models: Registry::collect()?,
            backends: Registry::collect()?,
            datasets: Registry::collect()?,
            weights: Registry::collect()?,
            probes: Registry::collect()?,
            profilers: Registry::collect()?,
            reporters: Registry::collect()?,
            ops: OpRegistry::collect()?,
        })
    }

    /// Opens weights by location.
    ///
    /// # Errors
    /// When no format claims the location, or the one that does cannot open it.
    pub fn open_weights(&self, location: &str) -> anyhow::Result<Box<dyn WeightSource>> {
        let format = self.weights.iter().find(|e| e.plugin.claims(location));
        match format {
            Some(entry) => entry.plugin.open(location),
            None => {
                let known: Vec<String> = self
                    .weights
                    .iter()
                    .map(|e| e.plugin.summary().to_owned())
                    .collect();
                anyhow::bail!(
                    "cannot tell what weights `{location}` are; known: {}",
                    known.join("; ")
                )
            }
        }
    }
}

/// What flags say; they override the manifest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// The lists of the run matrix, and the settings (those of the manifest stay unless named again).
    pub run: RunTable,
    /// Limits.
    pub measure: crate::manifest::MeasureTable,
}

/// A request that cannot be run: one line that names the thing and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

macro_rules! usage_from {
    ($($error:ty),*) => {$(
        impl From<$error> for UsageError {
            fn from(error: $error) -> Self {
                UsageError(error.to_string())
            }
        }
    )*};
}
usage_from!(ManifestError, RegistryError, crate::graph::BuildError);

impl From<anyhow::Error> for UsageError {
    fn from(error: anyhow::Error) -> Self {
        UsageError(format!("{error:#}"))
    }
}

/// The runs of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Name of the experiment.
    pub name: String,
    /// What to run, in order, without duplicates.
    pub runs: Vec<RunSpec>,
    /// Limits of the measurement.
    pub limits: Limits,
    /// Group overrides by operator name.
    pub classify: BTreeMap<String, OpGroup>,
}

/// The largest batch, sequence or image that is taken for a number rather than for a mistake.
const LARGEST: usize = 1 << 20;

/// Expands a manifest with overrides into runs, checking ids and numbers.
///
/// # Errors
/// For unknown ids, empty lists and numbers out of range.
pub fn plan(
    manifest: &Manifest,
    overrides: &Overrides,
    plugins: &Plugins,
) -> Result<Plan, UsageError> {
    let default_tables = Manifest::default_experiment()?.run;
    let tables = if manifest.run.is_empty() {
        &default_tables
    } else {
        &manifest.run
    };
    let mut runs = Vec::new();
    let mut seen = BTreeSet::new();
    for table in tables {
        for spec in expand(&merge(table, &overrides.run), plugins)? {
            if seen.insert(run_id(&spec)) {
                runs.push(spec);
            }
        }
    }
    let limits = manifest.measure.limits(Limits::default())?;
    Ok(Plan {
        name: manifest.name.clone().unwrap_or_default(),
        runs,
        limits: overrides.measure.limits(limits)?,
        classify: manifest.classify.clone(),
    })
}

fn merge(table: &RunTable, over: &RunTable) -> RunTable {
    let mut set = table.set.clone();
    set.extend(over.set.clone());
    RunTable {
        model: over.model.clone().or_else(|| table.model.clone()),
        backend: over.backend.clone().or_else(|| table.backend.clone()),
        device: over.device.clone().or_else(|| table.device.clone()),
        dtype: over.dtype.clone().or_else(|| table.dtype.clone()),
        batch: over.batch.clone().or_else(|| table.batch.clone()),
        seq: over.seq.clone().or_else(|| table.seq.clone()),
        image: over.image.clone().or_else(|| table.image.clone()),
        weights: over.weights.clone().or_else(|| table.weights.clone()),
        dataset: over.dataset.clone().or_else(|| table.dataset.clone()),
        threads: over.threads.or(table.threads),
        set,
    }
}

fn list<T: Clone>(key: &str, given: Option<&Vec<T>>, default: &[T]) -> Result<Vec<T>, UsageError> {
    match given {
        Some(values) if values.is_empty() => Err(UsageError(format!(
            "`{key}` is an empty list: the run matrix would be empty"
        ))),
        Some(values) => Ok(values.clone()),
        None => Ok(default.to_vec()),
    }
}

fn in_range(key: &str, values: &[usize]) -> Result<(), UsageError> {
    match values.iter().find(|v| !(1..=LARGEST).contains(*v)) {
        Some(value) => Err(UsageError(format!(
            "{key} must be from 1 to {LARGEST}, got {value}"
        ))),
        None => Ok(()),
    }
}

fn parse<T: std::str::FromStr<Err = String>>(values: &[String]) -> Result<Vec<T>, UsageError> {
    let parsed: Result<Vec<T>, String> = values.iter().map(|v| v.parse()).collect();
    parsed.map_err(UsageError)
}

fn expand(table: &RunTable, plugins: &Plugins) -> Result<Vec<RunSpec>, UsageError> {
    let strings = |values: &[&str]| -> Vec<String> {
        values.iter().map(|v| (*v).to_owned()).collect()
    };
    let mut models = list("model", table.model.as_ref(), &strings(&["all"]))?;
    if models.iter().any(|id| id == "all") {
        models = plugins.models.ids().map(str::to_owned).collect();
    }
    let backends = list("backend", table.backend.as_ref(), &strings(&["candle"]))?;
    let devices: Vec<Device> = parse(&list("device", table.device.as_ref(), &strings(&["cpu"]))?)?;
    let dtypes: Vec<DType> = parse(&list("dtype", table.dtype.as_ref(), &strings(&["f32"]))?)?;
    if let Some(dtype) = dtypes.iter().find(|dtype| !dtype.is_float()) {
        return Err(UsageError(format!(
            "dtype {dtype} is not a floating-point type; known: f32, f16, bf16, f64"
        )));
    }
    let batches = list("batch", table.batch.as_ref(), &[1])?;
    in_range("batch", &batches)?;
    let sizes = |key, given: Option<&Vec<usize>>| -> Result<Vec<Option<usize>>, UsageError> {
        let values = list(key, given, &[])?;
        in_range(key, &values)?;
        Ok(match values.as_slice() {
            [] => vec![None],
            values => values.iter().copied().map(Some).collect(),
        })
    };
    let seqs = sizes("seq", table.seq.as_ref())?;
    let images = sizes("image", table.image.as_ref())?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = table.threads.unwrap_or(processors);
    if !(1..=4096).contains(&threads) {
        return Err(UsageError(format!(
            "threads must be from 1 to 4096, got {threads}"
        )));
    }
    let settings = settings(&table.set)?;
    let mut runs = Vec::new();
    for model_id in &models {
        let model = plugins.models.get(model_id)?;
        for backend in &backends {
            plugins.backends.get(backend)?;
            for (device, dtype) in pairs(&devices, &dtypes) {
                for batch in &batches {
                    for (seq, image) in pairs(&seqs, &images) {
                        let of = |given: Option<usize>, own: Option<usize>| {
                            own.map(|default| given.unwrap_or(default))
                        };
                        runs.push(RunSpec {
                            model: model_id.clone(),
                            backend: backend.clone(),
                            device,
                            dtype,
                            batch: *batch,
                            seq: of(seq, model.sizes().seq),
                            image: of(image, model.sizes().image),
                            weights: table
                                .weights
                                .clone()
                                .unwrap_or_else(|| "synthetic:0".to_owned()),
                            dataset: table
                                .dataset
                                .clone()
                                .unwrap_or_else(|| "sample".to_owned()),
                            threads,
                            settings: settings.clone(),
                        });
                    }
                }
            }
        }
    }
    Ok(runs)
}

fn pairs<A: Copy, B: Copy>(a: &[A], b: &[B]) -> Vec<(A, B)> {
    a.iter()
        .flat_map(|&x| b.iter().map(move |&y| (x, y)))
        .collect()
}

fn settings(table: &BTreeMap<String, toml::Value>) -> Result<BTreeMap<String, String>, UsageError> {
    table
        .iter()
        .map(|(key, value)| {
            let text = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                _ => {
                    return Err(UsageError(format!(
                        "setting `{key}` must be a string, a number or a boolean"
                    )));
                }
            };
            Ok((key.clone(), text))
        })
        .collect()
}

/// The id of a run: readable, and different for different specs.
pub fn run_id(spec: &RunSpec) -> String {
    let canonical = serde_json::to_string(spec).unwrap_or_default();
    // FNV-1a, 64 bits, shown in 32: it only has to tell the runs of one folder apart.
    let hash = canonical.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut id = format!(
        "{}-{}-{}-{}-b{}",
        spec.model, spec.backend, spec.device, spec.dtype, spec.batch
    );
    if let Some(seq) = spec.seq {
        id.push_str(&format!("-s{seq}"));
    }
    if let Some(image) = spec.image {
        id.push_str(&format!("-i{image}"));
    }
    id.push_str(&format!("-{:08x}", (hash ^ (hash >> 32)) as u32));
    id.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-._".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect()
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
    pub dataset_path: Option<String>,
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
    let model = plugins.models.get(&spec.model)?;
    let backend = plugins.backends.get(&spec.backend)?;
    require(&format!("backend {}", spec.backend), backend.check())?;
    require(
        &format!("backend {} on {}", spec.backend, spec.device),
        backend.check_device(spec.device, spec.dtype),
    )?;
    let settings = Settings::new(spec.settings.clone());
    let graph = build(model, spec, &settings)
        .map_err(|e| UsageError(format!("model {}: {e}", spec.model)))?;
    settings.find::<crate::graph::CompositePolicy>("composites")?;
    backend.check_settings(&settings)?;
    settings.finish()?;
    let weights = plugins.open_weights(&spec.weights)?;
    weights
        .verify(&graph)
        .map_err(|e| UsageError(format!("weights {}: {e:#}", spec.weights)))?;
    let (dataset, path) = match spec.dataset.split_once(':') {
        Some((id, path)) => (id, Some(path.to_owned())),
        None => (spec.dataset.as_str(), None),
    };
    let dataset = plugins.datasets.get(dataset)?;
    let modality = model.preprocessor().modality();
    let opened = dataset.open(modality, path.as_deref().map(std::path::Path::new));
    opened
        .map(drop)
        .map_err(|e| UsageError(format!("dataset {}: {e:#}", spec.dataset)))?;
    Ok(CheckedRun {
        model,
        backend,
        dataset,
        dataset_path: path,
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
    model: &dyn Model,
    spec: &RunSpec,
    settings: &Settings,
) -> Result<Graph, crate::graph::BuildError> {
    let config = ModelConfig {
        batch: spec.batch,
        seq: spec.seq,
        image: spec.image,
        dtype: spec.dtype,
        settings: settings.clone(),
    };
    let mut builder = GraphBuilder::new(spec.dtype);
    model.build(&mut builder, &config)?;
    // The clone of the settings has seen the model's keys; the caller's must know them too.
    settings.learn(&config.settings);
    Ok(builder.finish())
}
