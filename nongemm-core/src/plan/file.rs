//! Runs of model files: programs that a backend runs by itself, without a graph.

use std::path::{Path, PathBuf};

use super::UsageError;
use super::check::available;
use super::inputs::CheckedInputs;
use crate::plugin::{Backend, FileInputs, Model, Plugins, Registered, Settings};
use crate::record::RunSpec;

/// A run of a model file that was checked.
pub struct CheckedFile {
    /// The backend.
    pub backend: &'static dyn Backend,
    /// The file.
    pub path: PathBuf,
    /// The model that it is, where it is described.
    pub model: Option<&'static Registered<dyn Model>>,
    /// The settings, all keys known.
    pub settings: Settings,
    /// The dataset that gives its inputs, if one does.
    pub inputs: Option<CheckedInputs>,
}

impl CheckedFile {
    /// Where its inputs come from.
    pub fn source(&self) -> FileInputs<'_> {
        self.inputs.as_ref().map_or(FileInputs::Own, |inputs| {
            FileInputs::Given(&inputs.request.inputs)
        })
    }
}

/// A model that is a file: named by its path, or described.
pub(super) struct ModelFile {
    pub(super) path: PathBuf,
    pub(super) model: Option<&'static Registered<dyn Model>>,
}

impl ModelFile {
    /// The file that `model` names, if it names one.
    pub(super) fn find(model: &str, plugins: &Plugins) -> Option<Self> {
        if let Ok(entry) = plugins.models.find(model) {
            let path = entry.plugin.described()?.file.clone()?;
            let model = Some(entry);
            return Some(ModelFile { path, model });
        }
        let path = PathBuf::from(model);
        let known = !backends_of(&path, plugins).is_empty();
        known.then_some(ModelFile { path, model: None })
    }

    /// Whether a backend runs such files.
    pub(super) fn runs_on(&self, backend: &dyn Backend) -> bool {
        let format = extension(&self.path);
        backend.file_formats().contains(&format)
    }
}

fn extension(path: &Path) -> &str {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.unwrap_or_default()
}

/// The backends that run files of this format.
fn backends_of(path: &Path, plugins: &Plugins) -> Vec<&'static str> {
    let backends = plugins.backends.iter().map(|entry| entry.plugin);
    backends
        .filter(|backend| backend.file_formats().contains(&extension(path)))
        .map(|backend| backend.id())
        .collect()
}

/// Checks everything about a run of a file that can be checked without running it.
pub(super) fn check(
    file: ModelFile,
    spec: &RunSpec,
    plugins: &Plugins,
) -> Result<CheckedFile, UsageError> {
    let entry = plugins.backends.find(&spec.backend)?;
    if !file.runs_on(entry.plugin) {
        return Err(not_run(&file.path, spec, plugins));
    }
    let backend = available(spec, plugins)?;
    let ModelFile { path, model } = file;
    if !path.is_file() {
        return Err(UsageError(format!("no model file {}", path.display())));
    }
    let settings = Settings::new(spec.settings.clone());
    backend.check_settings(&settings)?;
    let inputs = inputs(model, spec, &settings, plugins)?;
    let checked = CheckedFile {
        backend,
        path,
        model,
        settings,
        inputs,
    };
    let (path, settings) = (&checked.path, &checked.settings);
    backend.check_file(path, spec.device, settings, checked.source())?;
    settings.finish()?;
    Ok(checked)
}

fn not_run(path: &Path, spec: &RunSpec, plugins: &Plugins) -> UsageError {
    let (format, backends) = (extension(path), backends_of(path, plugins));
    UsageError(match backends.as_slice() {
        [] => format!(
            "no backend in this binary runs .{format} files ({}; `nongemm list backends` shows all)",
            path.display()
        ),
        backends => format!(
            "backend {} runs no .{format} files; {} do",
            spec.backend,
            backends.join(", ")
        ),
    })
}

/// The dataset of a described file that reads one.
fn inputs(
    model: Option<&Registered<dyn Model>>,
    spec: &RunSpec,
    settings: &Settings,
    plugins: &Plugins,
) -> Result<Option<CheckedInputs>, UsageError> {
    let Some((model, described)) = model.and_then(|m| Some((m, m.plugin.described()?))) else {
        return Ok(None);
    };
    if !described.reads_dataset() {
        return Ok(None);
    }
    let mut request = described.request(spec.batch, spec.seq, spec.image);
    request.companions.tokenizer = settings.find::<PathBuf>("tokenizer")?;
    request.companions.preprocessor = settings.find::<PathBuf>("preprocessor")?;
    CheckedInputs::check(model, spec, request, plugins).map(Some)
}
