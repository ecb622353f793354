//! Builds `nongemm` in release mode with the features that the arguments need, and runs it.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::process::{become_program, cargo, check, root};
use crate::{cuda, plugin, setup};

/// Backends, which `nongemm-cli` has a feature of the same name for.
const BACKENDS: &[&str] = &["candle", "ort", "torch"];

/// The manifests among the arguments.
fn manifests(args: &[String]) -> Vec<String> {
    let files = args.iter().filter(|arg| arg.ends_with(".toml"));
    files
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .collect()
}

/// Cargo features that arguments ask for: those of the backends named, the default ones if none is;
/// `cuda` for a CUDA device on candle.
pub(crate) fn features(args: &[String]) -> Vec<&'static str> {
    let manifests = manifests(args);
    let named = |backend: &str| {
        let quoted = [format!("\"{backend}\""), format!("\"{backend}:")];
        let in_list = |text: &str| {
            text.trim_start_matches("--backend=")
                .split(',')
                .any(|name| name.split(':').next() == Some(backend))
        };
        args.iter().any(|arg| in_list(arg))
            || manifests
                .iter()
                .any(|text| quoted.iter().any(|name| text.contains(name)))
    };
    let mut features: Vec<&'static str> = BACKENDS
        .iter()
        .copied()
        .filter(|backend| named(backend))
        .collect();
    for (extension, backend) in [(".onnx", "ort"), (".pt", "torch")] {
        let file = |arg: &String| arg.split(',').any(|model| model.ends_with(extension));
        if args.iter().any(file) && !features.contains(&backend) {
            features.push(backend);
        }
    }
    let on_cuda = |arg: &String| {
        let devices = arg.trim_start_matches("--device=").split(',');
        devices.into_iter().any(|device| device.starts_with("cuda"))
    };
    let cuda = args.iter().any(on_cuda) || manifests.iter().any(|text| text.contains("\"cuda:"));
    if cuda && (features.is_empty() || features.contains(&"candle")) {
        features.push("cuda");
    }
    features
}

/// Where cargo puts what it builds.
///
/// # Errors
/// When cargo does not say.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let output = cargo()
        .args(["metadata", "--format-version=1", "--no-deps"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo metadata")?;
    let text = String::from_utf8_lossy(&output.stdout);
    // The one field that is needed; a JSON parser would be this crate's largest dependency.
    let field = text
        .split("\"target_directory\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(field))
}

/// Fetches the libraries that features need; returns libtorch's folder where they need it.
///
/// # Errors
/// When one is missing and cannot be fetched.
pub(crate) fn libraries(features: &[&str]) -> Result<Option<PathBuf>> {
    if features.contains(&"ort") {
        setup::onnxruntime()?;
    }
    features
        .contains(&"torch")
        .then(setup::libtorch)
        .transpose()
}

/// Makes a cargo command take `nongemm-cli` with features, the default ones if none is named, and returns
/// the folder that it builds into.
///
/// # Errors
/// When a library is missing and cannot be fetched.
pub(crate) fn select(command: &mut Command, features: &[&str]) -> Result<PathBuf> {
    command.args(["--package", "nongemm-cli"]);
    if !features.is_empty() {
        command.args(["--no-default-features", "--features"]);
        command.arg(features.join(","));
    }
    command.envs(libraries(features)?.map(|folder| ("LIBTORCH", folder)));
    let mut target = target_dir()?;
    if features.contains(&"cuda") {
        target.push(cuda::FOLDER);
        cuda::configure(command, &target)?;
    }
    Ok(target)
}

/// Builds `nongemm` with features, the default ones if none is named, and returns the binary.
///
/// # Errors
/// When a library is missing and cannot be fetched, or the build fails.
pub(crate) fn build(features: &[&str], profile: &str) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--profile", profile]);
    let target = select(&mut build, features)?;
    check(&mut build)?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target.join(folder).join("nongemm"))
}

/// Builds the binary for `args` and becomes it.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let (plugins, args) = plugin::take(args)?;
    let args = args.as_slice();
    let features = features(args);
    if features.contains(&"cuda") {
        if !cuda::has_gpu() {
            eprintln!(
                "xtask: nvidia-smi finds no GPU here; `cargo xtask bundle --features candle,cuda` \
                 builds for a machine that has one"
            );
            return Ok(ExitCode::from(2));
        }
        cuda::libraries()?;
    }
    // Its compiler is a part of the Python package.
    let mut texts = args.iter().cloned().chain(manifests(args));
    if texts.any(|text| text.contains("torch:compile")) {
        setup::python()?;
    }
    let binary = if plugins.is_empty() {
        build(&features, "release")?
    } else {
        plugin::build(&plugins, &features)?
    };
    become_program(Command::new(binary).args(args))
}

/// A program of `perf`, with the allocator as a worker of `nongemm` pins it: both sides keep freed buffers
/// below 32 MiB.
fn measured(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env("MALLOC_MMAP_THRESHOLD_", (32 << 20).to_string())
        .env("MALLOC_TRIM_THRESHOLD_", i32::MAX.to_string());
    command
}

/// Runs the benchmarks that compare with the libraries underneath. They start `nongemm` too.
pub(crate) fn perf(args: &[String]) -> Result<ExitCode> {
    let mut build = cargo();
    build.args(["build", "--release"]);
    if let Some(("torch", rest)) = args.split_first().map(|(name, rest)| (name.as_str(), rest)) {
        // Apart from the rest: the other benchmarks need neither libtorch nor Python.
        let python = setup::python()?;
        build
            .args(["--package", "nongemm-cli", "--no-default-features"])
            .args([
                "--features",
                "torch",
                "--bin",
                "nongemm",
                "--example",
                "parity",
            ])
            .env("LIBTORCH", setup::libtorch()?);
        check(&mut build)?;
        let release = target_dir()?.join("release");
        let script = root().join("perf").join("torch").join("compare.py");
        let mut compare = measured(python);
        compare
            .arg(script)
            .arg(release.join("nongemm"))
            .arg(release.join("examples").join("parity"));
        return become_program(compare.args(rest));
    }
    if let Some(("ort", rest)) = args.split_first().map(|(name, rest)| (name.as_str(), rest)) {
        let python = setup::exporters()?;
        build
            .args(["--package", "nongemm-cli", "--no-default-features"])
            .args(["--features", "ort"]);
        check(&mut build)?;
        let nongemm = target_dir()?.join("release").join("nongemm");
        let script = root().join("perf").join("ort").join("compare.py");
        let mut compare = measured(python);
        return become_program(compare.arg(script).arg(nongemm).args(rest));
    }
    if args.first().is_some_and(|name| name == "report") {
        build.args(["--package", "nongemm-report", "--example", "suite"]);
        check(&mut build)?;
        let suite = target_dir()?.join("release").join("examples").join("suite");
        return become_program(Command::new(suite).args(["measure", "200", "1500"]));
    }
    build.args(["--package", "nongemm-perf", "--package", "nongemm-cli"]);
    check(&mut build)?;
    let binary = target_dir()?.join("release").join("nongemm-perf");
    become_program(measured(binary).current_dir(root()).args(args))
}

#[cfg(test)]
mod tests {
    use super::features;

    fn of(list: &[&str]) -> Vec<&'static str> {
        features(&list.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn backends_that_are_named_are_built() {
        assert!(of(&["bench", "--model", "bert"]).is_empty());
        assert_eq!(of(&["bench", "--backend", "candle"]), ["candle"]);
        assert_eq!(of(&["bench", "--backend", "torch:script"]), ["torch"]);
        assert_eq!(
            of(&["bench", "--backend=candle,torch"]),
            ["candle", "torch"]
        );
        assert_eq!(of(&["bench", "--model", "my.pt"]), ["torch"]);
        assert_eq!(of(&["bench", "--model", "my.onnx"]), ["ort"]);
    }

    #[test]
    fn a_cuda_device_needs_the_feature_on_candle_only() {
        assert!(of(&["bench", "--device", "cpu"]).is_empty());
        assert_eq!(of(&["bench", "--device", "cuda:0"]), ["cuda"]);
        assert_eq!(of(&["bench", "--device", "cpu,cuda:0"]), ["cuda"]);
        assert_eq!(
            of(&["bench", "--backend", "torch", "--device=cuda:1"]),
            ["torch"]
        );
        assert_eq!(
            of(&["bench", "--backend", "candle", "--device=cuda:1"]),
            ["candle", "cuda"]
        );
    }
}
