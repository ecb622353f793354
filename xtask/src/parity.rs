//! Compares models with their reference implementations, at the published sizes.

use std::process::ExitCode;

use anyhow::Result;

use crate::process::{become_program, cargo};
use crate::setup;

/// Sets up the references if needed, then runs the comparison.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let python = setup::python()?;
    become_program(
        cargo()
            .args(["run", "--quiet", "--release", "--package", "nongemm-models"])
            .args(["--example", "parity", "--"])
            .args(args)
            .env("NONGEMM_PYTHON", python),
    )
}
