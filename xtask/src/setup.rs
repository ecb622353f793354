//! Fetches the pinned Python packages that models are compared with. The default job needs none.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::cache;
use crate::process::check;

/// The reference implementations, pinned.
const PACKAGES: &[&str] = &[
    "torch==2.11.0",
    "torchvision==0.26.0",
    "transformers==5.17.0",
];

/// Fetches what is missing and says where it is.
pub(crate) fn run() -> Result<ExitCode> {
    let python = python()?;
    eprintln!("references ready: {}", python.display());
    Ok(ExitCode::SUCCESS)
}

/// The Python interpreter that has the references; fetched on first use (about 5 GB, mostly CUDA
/// libraries that torch's package names).
pub(crate) fn python() -> Result<PathBuf> {
    let venv = cache::dir()?.join("python-2.11.0");
    let python = venv.join("bin").join("python");
    let installed = venv.join("installed");
    let wanted = PACKAGES.join("\n");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    if !python.is_file() {
        check(Command::new("python3").args(["-m", "venv"]).arg(&venv))
            .context("Python 3.10 or later with venv is needed for the references")?;
    }
    eprintln!("fetching {} from PyPI", PACKAGES.join(", "));
    check(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(PACKAGES),
    )?;
    std::fs::write(&installed, wanted)
        .with_context(|| format!("cannot write {}", installed.display()))?;
    Ok(python)
}
