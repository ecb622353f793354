//! The run matrix: every combination of a manifest's lists, overridden by flags.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::UsageError;
use super::file::ModelFile;
use crate::described::Described;
use crate::dtype::DType;
use crate::manifest::{Manifest, MeasureTable, RunTable, parse_duration, setting};
use crate::measure::Limits;
use crate::op::OpGroup;
use crate::plugin::{DefaultSizes, Device, Model, Plugins};
use crate::record::RunSpec;

/// What flags say; they override the manifest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// The lists of the run matrix, and the settings (those of the manifest stay unless named again).
    pub run: RunTable,
    /// Limits.
    pub measure: MeasureTable,
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
    /// Time for a whole run, loading included; a run that takes longer has failed.
    pub run_timeout: Duration,
    /// Whether to measure energy where there is a sensor.
    pub energy: bool,
    /// How long to wait for a calm machine before the first sample of a run, if at all.
    pub wait_quiet: Option<Duration>,
    /// Group overrides by operator name.
    pub classify: BTreeMap<String, OpGroup>,
}

/// [`Plan::run_timeout`] where nothing else is said.
const RUN_TIMEOUT: Duration = Duration::from_secs(2 * 3600);

/// Weights and dataset of a model file.
const FILE: &str = "file";

/// The most inputs that are measured in turn; all are in memory at once.
const MOST_INPUTS: usize = 4096;

/// The largest batch, sequence or image that is taken for a number rather than for a mistake.
const LARGEST: usize = 1 << 20;

/// Expands a manifest with overrides into runs, checking ids and numbers. What neither a `[[run]]` table nor the
/// file of a described model says comes from the first table of `defaults`; a manifest without tables runs those
/// of `defaults`.
///
/// # Errors
/// For unknown ids, empty lists and numbers out of range.
pub fn plan(
    manifest: &Manifest,
    defaults: &Manifest,
    overrides: &Overrides,
    plugins: &Plugins,
) -> Result<Plan, UsageError> {
    let first = defaults.run.first().cloned().unwrap_or_default();
    // What is said of these runs, and what holds where nothing is said.
    let tables: Vec<(RunTable, RunTable)> = match manifest.run.as_slice() {
        [] => {
            let tables = defaults.run.iter().map(|table| merge(&first, table));
            tables.map(|base| (overrides.run.clone(), base)).collect()
        }
        own => {
            let tables = own.iter().map(|table| merge(table, &overrides.run));
            tables.map(|said| (said, first.clone())).collect()
        }
    };
    let mut runs = Vec::new();
    let mut seen = BTreeSet::new();
    for (said, base) in &tables {
        for spec in expand(said, base, plugins)? {
            if seen.insert(run_id(&spec)) {
                runs.push(spec);
            }
        }
    }
    let limits = defaults.measure.limits(Limits::default())?;
    let limits = manifest.measure.limits(limits)?;
    let limits = overrides.measure.limits(limits)?;
    let mut run_timeout = RUN_TIMEOUT;
    let (mut energy, mut wait_quiet) = (true, None);
    for table in [&defaults.measure, &manifest.measure, &overrides.measure] {
        run_timeout = table.run_timeout(run_timeout)?;
        energy = table.energy.unwrap_or(energy);
        if let Some(text) = &table.wait_quiet {
            wait_quiet = Some(parse_duration("wait-quiet", text)?);
        }
    }
    if run_timeout <= limits.max_time + limits.max_warmup {
        return Err(UsageError(format!(
            "run-timeout ({}) must be longer than max-time ({}) and max-warmup ({}) together",
            humantime::format_duration(run_timeout),
            humantime::format_duration(limits.max_time),
            humantime::format_duration(limits.max_warmup),
        )));
    }
    Ok(Plan {
        name: manifest.name.clone().unwrap_or_default(),
        runs,
        limits,
        run_timeout,
        energy,
        wait_quiet,
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
        inputs: over.inputs.or(table.inputs),
        threads: over.threads.or(table.threads),
        set,
    }
}

fn required<T: Clone>(key: &str, given: Option<&T>) -> Result<T, UsageError> {
    given.cloned().ok_or_else(|| {
        UsageError(format!(
            "no {key} is given (--{key}, or `{key}` in [[run]])"
        ))
    })
}

fn list<T: Clone>(key: &str, given: Option<&Vec<T>>) -> Result<Vec<T>, UsageError> {
    let values = required(key, given)?;
    if values.is_empty() {
        return Err(UsageError(format!(
            "`{key}` is an empty list: the run matrix would be empty"
        )));
    }
    Ok(values)
}

pub(crate) fn in_range(key: &str, values: &[usize]) -> Result<(), UsageError> {
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

fn expand(said: &RunTable, base: &RunTable, plugins: &Plugins) -> Result<Vec<RunSpec>, UsageError> {
    let table = merge(base, said);
    let mut models = list("model", table.model.as_ref())?;
    let all = models.iter().any(|id| id == "all");
    if all {
        models = plugins.models.ids().map(str::to_owned).collect();
    }
    let backends = list("backend", table.backend.as_ref())?;
    let devices: Vec<Device> = parse(&list("device", table.device.as_ref())?)?;
    let dtypes: Vec<DType> = parse(&list("dtype", table.dtype.as_ref())?)?;
    if let Some(dtype) = dtypes.iter().find(|dtype| !dtype.is_float()) {
        return Err(UsageError(format!(
            "dtype {dtype} is not a floating-point type; known: f32, f16, bf16, f64"
        )));
    }
    let batches = list("batch", table.batch.as_ref())?;
    in_range("batch", &batches)?;
    let sizes = |key, given: Option<&Vec<usize>>| -> Result<Vec<Option<usize>>, UsageError> {
        if given.is_none() {
            return Ok(vec![None]);
        }
        let values = list(key, given)?;
        in_range(key, &values)?;
        Ok(values.into_iter().map(Some).collect())
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
    let inputs = table.inputs.unwrap_or(1);
    if !(1..=MOST_INPUTS).contains(&inputs) {
        return Err(UsageError(format!(
            "inputs must be from 1 to {MOST_INPUTS}, got {inputs}"
        )));
    }
    let mut runs = Vec::new();
    for model in &models {
        let own = Own::of(model, said, base, plugins)?;
        for backend in &backends {
            let entry = plugins.backends.get(backend)?;
            // All is all that runs there: a file is of one format.
            if all && own.file.as_ref().is_some_and(|file| !file.runs_on(entry)) {
                continue;
            }
            for (device, dtype) in pairs(&devices, &dtypes) {
                for batch in &batches {
                    for (seq, image) in pairs(&seqs, &images) {
                        let of = |given: Option<usize>, own: Option<usize>| {
                            own.map(|default| given.unwrap_or(default))
                        };
                        runs.push(RunSpec {
                            model: model.clone(),
                            backend: backend.clone(),
                            device,
                            dtype,
                            batch: *batch,
                            seq: of(seq, own.sizes.seq),
                            image: of(image, own.sizes.image),
                            weights: own.weights.clone(),
                            dataset: own.dataset.clone(),
                            threads,
                            inputs: if own.dataset == FILE { 1 } else { inputs },
                            settings: own.settings.clone(),
                        });
                    }
                }
            }
        }
    }
    Ok(runs)
}

/// What a model has of its own, where nothing else is said.
struct Own {
    file: Option<ModelFile>,
    sizes: DefaultSizes,
    weights: String,
    dataset: String,
    settings: BTreeMap<String, String>,
}

impl Own {
    fn of(
        id: &str,
        said: &RunTable,
        base: &RunTable,
        plugins: &Plugins,
    ) -> Result<Self, UsageError> {
        let file = ModelFile::find(id, plugins);
        let model = match &file {
            Some(file) => file.model.map(|entry| entry.plugin),
            None => Some(model(id, plugins)?),
        };
        let described = model.and_then(|model| model.described());
        let mut set = settings(&base.set)?;
        set.extend(described.iter().flat_map(|d| d.settings.clone()));
        set.extend(settings(&said.set)?);
        let first = |said: &Option<String>, own: Option<&String>, base: &Option<String>| {
            said.clone()
                .or_else(|| own.cloned())
                .or_else(|| base.clone())
        };
        let weights = || {
            let own = described.and_then(|d| d.weights.as_ref());
            required("weights", first(&said.weights, own, &base.weights).as_ref())
        };
        let dataset = || {
            let own = described.and_then(|d| d.dataset.as_ref());
            required("dataset", first(&said.dataset, own, &base.dataset).as_ref())
        };
        // What a file holds is in the file, or beside it.
        let reads_dataset = described.is_some_and(Described::reads_dataset);
        Ok(Own {
            sizes: model.map_or_else(DefaultSizes::default, |model| model.sizes()),
            weights: file
                .as_ref()
                .map_or_else(weights, |_| Ok(FILE.to_owned()))?,
            dataset: match file.is_some() && !reads_dataset {
                true => FILE.to_owned(),
                false => dataset()?,
            },
            settings: set,
            file,
        })
    }
}

fn model(id: &str, plugins: &Plugins) -> Result<&'static dyn Model, UsageError> {
    match plugins.models.get(id) {
        Err(_) if Path::new(id).is_file() => Err(UsageError(format!(
            "no backend in this binary runs {id} (`nongemm list backends` shows all)"
        ))),
        found => Ok(found?),
    }
}

fn pairs<A: Copy, B: Copy>(a: &[A], b: &[B]) -> Vec<(A, B)> {
    a.iter()
        .flat_map(|&x| b.iter().map(move |&y| (x, y)))
        .collect()
}

fn settings(table: &BTreeMap<String, toml::Value>) -> Result<BTreeMap<String, String>, UsageError> {
    let text = |(key, value): (&String, &toml::Value)| {
        let text = setting(key, value).map_err(UsageError);
        text.map(|text| (key.clone(), text))
    };
    table.iter().map(text).collect()
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
