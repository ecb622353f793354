//! `cargo xtask perf memory`: peak memory of flows against that of the references in Python.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::nongemm::{features, select};
use crate::process::{become_program, cargo, check, root};
use crate::setup;

/// Flows that are compared where none is named.
const FLOWS: &[&str] = &["candle", "ort", "torch"];

/// Builds `nongemm` and the example that writes weights and inputs, and becomes the script that compares.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let python = setup::python()?;
    let named = features(args);
    let flows = if named.is_empty() { FLOWS } else { &named };
    let mut build = cargo();
    build.args(["build", "--release", "--bin", "nongemm"]);
    build.args(["--example", "parity"]);
    let release = select(&mut build, flows)?.join("release");
    check(&mut build)?;
    let script = root().join("perf").join("torch").join("memory.py");
    let mut compare = Command::new(python);
    compare.arg(script).arg(release.join("nongemm"));
    become_program(compare.args(args))
}
