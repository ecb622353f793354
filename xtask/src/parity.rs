//! Compares models with their reference implementations: the published sizes, or `--small` ones.

use std::process::ExitCode;

use anyhow::Result;

use crate::nongemm;
use crate::process::{become_program, cargo};
use crate::setup;

/// Sets up the references if needed, then runs the comparison; all models unless `--model` names some.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let python = setup::python()?;
    let mut command = cargo();
    command.args(["run", "--quiet", "--release"]);
    nongemm::select(&mut command, &nongemm::features(args))?;
    command.args(["--example", "parity", "--"]);
    if !args.iter().any(|arg| arg == "--small") {
        command.arg("--full");
    }
    if !args.iter().any(|arg| arg.starts_with("--model")) {
        command.args(["--model", "all"]);
    }
    command.args(args.iter().filter(|arg| *arg != "--small"));
    become_program(command.arg("--python").arg(python))
}
