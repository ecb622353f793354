//! Builds `nongemm` in release mode with the features that the arguments need, and runs it.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::process::{become_program, cargo, check, root};

/// Cargo features that arguments ask for: a CUDA device needs the feature `cuda`.
fn features(args: &[String]) -> Vec<&'static str> {
    let mut features = Vec::new();
    if args
        .iter()
        .any(|arg| arg.starts_with("cuda") || arg.contains("=cuda"))
    {
        features.push("cuda");
    }
    features
}

fn target_dir() -> Result<PathBuf> {
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

/// Builds the binary for `args` and becomes it.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let mut build = cargo();
    build.args(["build", "--release", "--package", "nongemm-cli"]);
    let features = features(args);
    if !features.is_empty() {
        build.arg("--features").arg(features.join(","));
    }
    check(&mut build)?;
    let binary = target_dir()?.join("release").join("nongemm");
    become_program(Command::new(binary).args(args))
}

/// Runs the benchmarks that compare with the libraries underneath. They start `nongemm` too.
pub(crate) fn perf(args: &[String]) -> Result<ExitCode> {
    let packages = ["--package", "nongemm-perf", "--package", "nongemm-cli"];
    check(cargo().args(["build", "--release"]).args(packages))?;
    let binary = target_dir()?.join("release").join("nongemm-perf");
    become_program(Command::new(binary).current_dir(root()).args(args))
}

#[cfg(test)]
mod tests {
    use super::features;

    #[test]
    fn a_cuda_device_needs_the_feature() {
        let args = |list: &[&str]| list.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
        assert!(features(&args(&["bench", "--device", "cpu"])).is_empty());
        assert_eq!(features(&args(&["bench", "--device", "cuda:0"])), ["cuda"]);
        assert_eq!(features(&args(&["bench", "--device=cuda:1"])), ["cuda"]);
    }
}
