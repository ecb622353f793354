//! The manifest's tables, and reading them with errors that name the line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::measure::Limits;
use crate::op::OpGroup;
use crate::plugin::nearest;

/// A manifest that cannot be used: one line that names the file, the line and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ManifestError(pub String);

/// One value or a list of values.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

fn many<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Some(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(value) => vec![value],
        OneOrMany::Many(values) => values,
    }))
}

/// An experiment.
///
/// ```
/// use nongemm_core::manifest::Manifest;
///
/// let manifest = Manifest::parse("mine.toml", "[[run]]\nmodel = \"gpt2\"\nbatch = [1, 8]\n")?;
/// assert_eq!(manifest.run[0].batch.as_deref(), Some(&[1, 8][..]));
/// let error = Manifest::parse("mine.toml", "[[run]]\nmodle = \"gpt2\"\n").unwrap_err();
/// assert!(error.to_string().starts_with("mine.toml:2: unknown field `modle`"), "{error}");
/// # Ok::<(), nongemm_core::manifest::ManifestError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Name, for reports.
    #[serde(default)]
    pub name: Option<String>,
    /// Folders of models that are described in files, and such files.
    #[serde(default, deserialize_with = "many")]
    pub models: Option<Vec<PathBuf>>,
    /// Limits of the measurement.
    #[serde(default)]
    pub measure: MeasureTable,
    /// The run matrix.
    #[serde(default)]
    pub run: Vec<RunTable>,
    /// Group overrides by operator name.
    #[serde(default)]
    pub classify: BTreeMap<String, OpGroup>,
}

/// The `[measure]` table.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MeasureTable {
    /// Half-width of the interval, in percent.
    pub target_ci: Option<f64>,
    /// Time for the samples of one run.
    pub max_time: Option<String>,
    /// Fewest samples.
    pub min_samples: Option<usize>,
    /// Most samples.
    pub max_samples: Option<usize>,
    /// Time for warm-up.
    pub max_warmup: Option<String>,
    /// Time for a whole run, loading included.
    pub run_timeout: Option<String>,
    /// Whether to measure energy where there is a sensor.
    pub energy: Option<bool>,
    /// How long to wait for a calm machine before the first sample.
    pub wait_quiet: Option<String>,
}

/// One `[[run]]` table: lists whose combinations are run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunTable {
    /// Model ids.
    #[serde(default, deserialize_with = "many")]
    pub model: Option<Vec<String>>,
    /// Backend ids.
    #[serde(default, deserialize_with = "many")]
    pub backend: Option<Vec<String>>,
    /// Devices.
    #[serde(default, deserialize_with = "many")]
    pub device: Option<Vec<String>>,
    /// Floating-point types.
    #[serde(default, deserialize_with = "many")]
    pub dtype: Option<Vec<String>>,
    /// Batch sizes.
    #[serde(default, deserialize_with = "many")]
    pub batch: Option<Vec<usize>>,
    /// Sequence lengths.
    #[serde(default, deserialize_with = "many")]
    pub seq: Option<Vec<usize>>,
    /// Image sides.
    #[serde(default, deserialize_with = "many")]
    pub image: Option<Vec<usize>>,
    /// Weights.
    pub weights: Option<String>,
    /// Dataset.
    pub dataset: Option<String>,
    /// Inputs that are measured in turn.
    pub inputs: Option<usize>,
    /// Threads.
    pub threads: Option<usize>,
    /// Settings.
    #[serde(default)]
    pub set: BTreeMap<String, toml::Value>,
}

/// Keys of all tables, for suggestions.
const KEYS: &[&str] = &[
    "name",
    "models",
    "measure",
    "run",
    "classify",
    "target-ci",
    "max-time",
    "min-samples",
    "max-samples",
    "max-warmup",
    "run-timeout",
    "energy",
    "wait-quiet",
    "model",
    "backend",
    "device",
    "dtype",
    "batch",
    "seq",
    "image",
    "weights",
    "dataset",
    "inputs",
    "threads",
    "set",
];

impl Manifest {
    /// Reads a manifest from its text; `name` stands for it in messages.
    ///
    /// # Errors
    /// When the text is not TOML, a key is unknown or a value has the wrong type.
    pub fn parse(name: &str, text: &str) -> Result<Self, ManifestError> {
        toml::from_str(text).map_err(|error| ManifestError(toml_error(name, text, &error, KEYS)))
    }

    /// Reads a manifest file. The folders of models that it names are taken from where it lies.
    ///
    /// # Errors
    /// When the file cannot be read or [`parse`](Self::parse) refuses it.
    pub fn read(file: &Path) -> Result<Self, ManifestError> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file)
            .map_err(|e| ManifestError(format!("cannot read manifest {name}: {e}")))?;
        let mut manifest = Manifest::parse(&name, &text)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        for models in manifest.models.iter_mut().flatten() {
            *models = folder.join(&models);
        }
        Ok(manifest)
    }
}

/// One line for a file that is not as it should be; `keys` are those that a mistyped one may stand for.
pub(crate) fn toml_error(name: &str, text: &str, error: &toml::de::Error, keys: &[&str]) -> String {
    let line = error.span().map_or(1, |span| line_of(text, span.start));
    // serde names its helper type where neither a value nor a list fits.
    let message = if error.message().contains("untagged enum OneOrMany") {
        "expected a value, or a list of values, of the key's type".to_owned()
    } else {
        error.message().replace('\n', " ")
    };
    let hint = unknown_field(&message)
        .map(|key| nearest::hint(&nearest::nearest(key, keys.iter().copied())))
        .unwrap_or_default();
    format!("{name}:{line}: {message}{hint}")
}

fn unknown_field(message: &str) -> Option<&str> {
    message.strip_prefix("unknown field `")?.split('`').next()
}

impl MeasureTable {
    /// The limits, with `base` for what the table leaves out.
    ///
    /// # Errors
    /// When a value is out of range.
    pub fn limits(&self, base: Limits) -> Result<Limits, ManifestError> {
        let wrong = |message: String| Err(ManifestError(message));
        let mut limits = base;
        if let Some(percent) = self.target_ci {
            if !(percent > 0.0 && percent <= 100.0) {
                return wrong(format!(
                    "target-ci must be above 0 and at most 100 percent, got {percent}"
                ));
            }
            limits.target_ci = percent / 100.0;
        }
        if let Some(text) = &self.max_time {
            limits.max_time = parse_duration("max-time", text)?;
        }
        if let Some(text) = &self.max_warmup {
            limits.max_warmup = parse_duration("max-warmup", text)?;
        }
        limits.min_samples = self.min_samples.unwrap_or(limits.min_samples);
        limits.max_samples = self
            .max_samples
            .unwrap_or(limits.max_samples.max(limits.min_samples));
        if limits.min_samples == 0 || limits.min_samples > limits.max_samples {
            return wrong(format!(
                "min-samples must be from 1 to max-samples ({}), got {}",
                limits.max_samples, limits.min_samples
            ));
        }
        if limits.max_samples > 1_000_000 {
            return wrong(format!(
                "max-samples must be at most 1000000, got {}",
                limits.max_samples
            ));
        }
        Ok(limits)
    }

    /// The time for a whole run, with `base` where the table leaves it out.
    ///
    /// # Errors
    /// When it is no duration.
    pub fn run_timeout(&self, base: Duration) -> Result<Duration, ManifestError> {
        let given = self.run_timeout.as_ref();
        given.map_or(Ok(base), |text| parse_duration("run-timeout", text))
    }
}

/// The text of a setting.
///
/// # Errors
/// For what is no string, number or boolean.
pub(crate) fn setting(key: &str, value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        toml::Value::Boolean(flag) => Ok(flag.to_string()),
        _ => Err(format!(
            "setting `{key}` must be a string, a number or a boolean"
        )),
    }
}

/// The line of a position in a text, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].matches('\n').count() + 1
}

/// A duration such as `500ms`, `10s` or `2min`; above zero and at most a week.
///
/// # Errors
/// When the text is none, or out of range.
pub fn parse_duration(key: &str, text: &str) -> Result<Duration, ManifestError> {
    let duration = humantime::parse_duration(text).map_err(|_| {
        ManifestError(format!(
            "{key} must be a duration such as 10s or 2min, got `{text}`"
        ))
    })?;
    if duration.is_zero() || duration > Duration::from_secs(7 * 24 * 3600) {
        return Err(ManifestError(format!(
            "{key} must be above zero and at most a week, got `{text}`"
        )));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Manifest::parse("x.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_line_and_the_nearest_key() {
        assert_eq!(
            error("name = \"x\"\n[[run]]\nmodle = [\"gpt2\"]\n"),
            "x.toml:3: unknown field `modle`, expected one of `model`, `backend`, `device`, `dtype`, \
             `batch`, `seq`, `image`, `weights`, `dataset`, `inputs`, `threads`, `set`; did you mean `model`?"
        );
        assert!(error("[[run]]\nbatch = \"two\"\n").starts_with("x.toml:2: "));
        assert!(error("[[run]\n").starts_with("x.toml:1: "));
        assert!(!error("[[run]\n").contains('\n'));
    }

    #[test]
    fn absurd_limits_are_refused() {
        let limits = |text: &str| {
            Manifest::parse("x.toml", text)
                .unwrap()
                .measure
                .limits(Limits::default())
                .unwrap_err()
                .to_string()
        };
        assert!(limits("measure.target-ci = 0").contains("target-ci"));
        assert!(limits("measure.target-ci = nan").contains("target-ci"));
        assert!(limits("measure.max-time = \"soon\"").contains("max-time"));
        assert!(limits("measure.max-time = \"9000y\"").contains("max-time"));
        assert!(limits("measure.min-samples = 0").contains("min-samples"));
        assert!(limits("measure = { min-samples = 10, max-samples = 5 }").contains("min-samples"));
    }
}
