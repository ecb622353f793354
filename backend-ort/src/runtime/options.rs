//! How sessions are made: the settings `ort.*`, and what is pinned.

use std::path::PathBuf;

use nongemm_core::plugin::{Device, Settings};
use ort::session::builder::GraphOptimizationLevel;

use super::library::{PROVIDERS_REMEDY, library};

/// How far ONNX Runtime rewrites a model before it runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Optimization {
    Disable,
    Basic,
    Extended,
    All,
}

/// The default first.
const LEVELS: &[(&str, Optimization)] = &[
    ("all", Optimization::All),
    ("disable", Optimization::Disable),
    ("basic", Optimization::Basic),
    ("extended", Optimization::Extended),
];

impl Optimization {
    fn name(self) -> &'static str {
        let mut levels = LEVELS.iter();
        levels
            .find(|(_, level)| *level == self)
            .map_or("", |(name, _)| name)
    }

    pub(crate) fn level(self) -> GraphOptimizationLevel {
        match self {
            Optimization::Disable => GraphOptimizationLevel::Disable,
            Optimization::Basic => GraphOptimizationLevel::Level1,
            Optimization::Extended => GraphOptimizationLevel::Level2,
            Optimization::All => GraphOptimizationLevel::All,
        }
    }
}

/// Everything that decides how a model runs, besides the model.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Where to run.
    pub(crate) device: Device,
    /// Threads within an operator.
    pub(crate) threads: usize,
    /// How far the model is rewritten.
    pub(crate) optimization: Optimization,
    /// Execution providers by their short names, in order of preference; the processor's is always last.
    pub(crate) providers: Vec<String>,
    /// Whether idle threads spin for a while before they sleep.
    pub(crate) spinning: bool,
    /// Whether denormal numbers count as zero.
    pub(crate) denormals_as_zero: bool,
    /// A file with inputs, for model files.
    pub(crate) inputs: Option<PathBuf>,
}

impl Options {
    /// From the settings of a run.
    ///
    /// # Errors
    /// When a value does not parse.
    pub(crate) fn read(
        settings: &Settings,
        device: Device,
        threads: usize,
    ) -> anyhow::Result<Self> {
        let names: Vec<&str> = LEVELS.iter().map(|(name, _)| *name).collect();
        let level = settings.choice("ort.optimization", &names)?;
        let optimization = LEVELS
            .iter()
            .find(|(name, _)| *name == level)
            .map_or(Optimization::All, |(_, level)| *level);
        let providers = match settings.find::<String>("ort.providers")? {
            Some(list) => list.split(',').map(|name| name.trim().to_owned()).collect(),
            None => match device {
                Device::Cpu => Vec::new(),
                Device::Cuda(_) => vec!["cuda".to_owned()],
            },
        };
        Ok(Options {
            device,
            threads,
            optimization,
            providers: providers
                .into_iter()
                .filter(|name: &String| !name.is_empty() && name != "cpu")
                .collect(),
            spinning: settings.get("ort.spinning", true)?,
            denormals_as_zero: settings.get("ort.denormals_as_zero", false)?,
            inputs: settings.find("ort.inputs")?,
        })
    }

    /// A model as it is, on the processor, in one thread: for trying whether it loads.
    pub(crate) fn bare() -> Self {
        Options {
            device: Device::Cpu,
            threads: 1,
            optimization: Optimization::Disable,
            providers: Vec::new(),
            spinning: false,
            denormals_as_zero: false,
            inputs: None,
        }
    }

    /// Whether the library has what they ask for, where there is a library.
    ///
    /// # Errors
    /// Names an execution provider that is missing, or a file that is not there.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if let Some(path) = &self.inputs {
            let shown = path.display();
            anyhow::ensure!(
                path.is_file(),
                "setting ort.inputs={shown}: there is no such file"
            );
        }
        let Ok(library) = library() else {
            return Ok(());
        };
        for short in &self.providers {
            anyhow::ensure!(
                provider(short, &library.providers).is_some(),
                "setting ort.providers: {} has no `{short}`, only {}; {PROVIDERS_REMEDY}",
                library.path.display(),
                library.providers.join(", ")
            );
        }
        Ok(())
    }

    /// For the run record.
    pub(crate) fn describe(&self) -> Vec<(String, String)> {
        let on = |flag: bool| if flag { "on" } else { "off" };
        let mut providers = self.providers.clone();
        providers.push("cpu".to_owned());
        [
            ("threads", self.threads.to_string().as_str()),
            ("execution", "sequential"),
            ("optimization", self.optimization.name()),
            ("providers", &providers.join(",")),
            ("spinning", on(self.spinning)),
            ("denormals_as_zero", on(self.denormals_as_zero)),
            (
                "profile.clock",
                "whole microseconds of ONNX Runtime's own profiler, rounded down",
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }
}

/// ONNX Runtime's name for an execution provider among those that a library has: `cuda` is
/// `CUDAExecutionProvider`.
pub(crate) fn provider<'a>(short: &str, available: &'a [String]) -> Option<&'a str> {
    let plain = |name: &str| name.trim_end_matches("ExecutionProvider").to_lowercase();
    let mut names = available.iter().map(String::as_str);
    names.find(|name| plain(name) == plain(short))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let pairs = pairs.iter();
        let pairs = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Settings::new(pairs.collect())
    }

    #[test]
    fn the_device_chooses_the_provider_unless_the_user_does() {
        let read = |pairs: &[(&str, &str)], device| {
            let options = Options::read(&settings(pairs), device, 1).unwrap();
            options.providers
        };
        assert!(read(&[], Device::Cpu).is_empty());
        assert_eq!(read(&[], Device::Cuda(1)), ["cuda"]);
        assert_eq!(
            read(&[("ort.providers", "xnnpack, cpu")], Device::Cpu),
            ["xnnpack"]
        );
    }

    #[test]
    fn an_unknown_level_is_an_error() {
        let settings = settings(&[("ort.optimization", "max")]);
        let error = Options::read(&settings, Device::Cpu, 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "setting ort.optimization=max: known values are all, disable, basic, extended"
        );
    }

    #[test]
    fn providers_are_found_by_their_short_names() {
        let available = ["CUDAExecutionProvider", "CPUExecutionProvider"].map(str::to_owned);
        assert_eq!(provider("cuda", &available), Some("CUDAExecutionProvider"));
        assert_eq!(provider("tensorrt", &available), None);
    }
}
