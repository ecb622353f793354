//! Compilation with TorchDynamo and TorchInductor: the one step that needs Python.
//!
//! The compiled package is kept in the cache under the hash of everything that it depends on: the
//! traced program with its weights, the inputs, the compiling script, libtorch's release.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use nongemm_core::cache;
use nongemm_core::plugin::{Availability, Device};
use nongemm_core::shape::TensorSpec;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::device;
use crate::program::Program;

const SCRIPT: &str = include_str!("../python/compile.py");

/// What a generated kernel fuses.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub(crate) struct Kernel {
    /// ATen's names.
    pub(crate) ops: Vec<String>,
    /// Scopes of the traced program's nodes.
    pub(crate) scopes: Vec<String>,
}

/// A compiled program.
pub(crate) struct Compiled {
    /// The package.
    pub(crate) package: PathBuf,
    /// Its kernels by name.
    pub(crate) kernels: BTreeMap<String, Kernel>,
}

/// Python that has the libtorch of this process: that of `NONGEMM_PYTHON`, else of the environment
/// that libtorch lies in.
fn python() -> anyhow::Result<PathBuf> {
    if let Some(python) = std::env::var_os("NONGEMM_PYTHON") {
        return Ok(python.into());
    }
    let folder = device::library_folder()?;
    // <environment>/lib/python3.X/site-packages/torch/lib
    let packages = folder.ancestors().nth(2);
    anyhow::ensure!(
        packages.is_some_and(|packages| packages.join("sympy").is_dir()),
        "{} is libtorch alone, without what PyTorch's Python package needs",
        folder.display()
    );
    let environment = folder.ancestors().nth(5);
    environment
        .map(|root| root.join("bin").join("python"))
        .filter(|python| python.is_file())
        .with_context(|| {
            format!(
                "libtorch in {} belongs to no Python environment",
                folder.display()
            )
        })
}

/// Whether programs can be compiled here.
pub(crate) fn check() -> Availability {
    match python() {
        Ok(python) => Availability::ready(format!("compiles with {}", python.display())),
        Err(error) => Availability::missing(
            format!("{error:#}, and TorchInductor is a part of PyTorch's Python package"),
            format!(
                "run `cargo xtask setup`, or set NONGEMM_PYTHON to a Python that has torch {}",
                device::version()
            ),
        ),
    }
}

/// The package for a traced program: from the cache, or compiled now.
///
/// # Errors
/// When Python is missing, or PyTorch cannot compile the program; the message is PyTorch's.
pub(crate) fn compile(
    program: &Program,
    inputs: &[TensorSpec],
    device: Device,
    threads: usize,
) -> anyhow::Result<Compiled> {
    let cache = cache::dir()?.join("inductor");
    fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let work = tempfile::Builder::new()
        .prefix("compile")
        .tempdir_in(&cache)
        .with_context(|| format!("cannot write into {}", cache.display()))?;
    let archive = work.path().join("program.pt");
    program.save(&archive)?;
    let specs = input_specs(inputs, device)?;
    // Generated code holds the number of threads.
    let threads = threads.to_string();
    let place = cache.join(key(&archive, &specs, &threads)?);
    if !place.join("kernels.json").is_file() {
        let nodes = serde_json::to_string(&program.nodes()?)?;
        share_headers(&cache, work.path())?;
        build(work.path(), &archive, &specs, &nodes, &threads)?;
        fs::remove_file(&archive).ok();
        // Renamed when whole: another process may have been faster, which is as good.
        if fs::rename(work.path(), &place).is_err() && !place.join("kernels.json").is_file() {
            bail!("cannot write {}", place.display());
        }
    }
    let kernels = fs::read(place.join("kernels.json"))
        .with_context(|| format!("cannot read {}", place.display()))?;
    Ok(Compiled {
        package: place.join("program.pt2"),
        kernels: serde_json::from_slice(&kernels)
            .with_context(|| format!("{} is damaged; delete it", place.display()))?,
    })
}

/// Where Inductor keeps what it makes, in the folder of one compilation.
const SCRATCH: &str = "inductor";

/// Precompiled headers are the same in all compilations, and take a good part of a small one.
fn share_headers(cache: &Path, work: &Path) -> anyhow::Result<()> {
    let headers = cache.join("precompiled_headers");
    let scratch = work.join(SCRATCH);
    fs::create_dir_all(&headers)?;
    fs::create_dir_all(&scratch)?;
    std::os::unix::fs::symlink(&headers, scratch.join("precompiled_headers"))
        .with_context(|| format!("cannot write into {}", scratch.display()))
}

fn build(
    work: &Path,
    archive: &Path,
    specs: &str,
    nodes: &str,
    threads: &str,
) -> anyhow::Result<()> {
    let python = python()?;
    let script = work.join("compile.py");
    let inputs = work.join("inputs.json");
    fs::write(&script, SCRIPT)?;
    fs::write(&inputs, specs)?;
    let listing = work.join("nodes.json");
    fs::write(&listing, nodes)?;
    let arguments: [&OsStr; 7] = [
        script.as_ref(),
        archive.as_ref(),
        inputs.as_ref(),
        listing.as_ref(),
        OsStr::new(threads),
        OsStr::new("program.pt2"),
        OsStr::new("kernels.json"),
    ];
    let output = Command::new(&python)
        .args(arguments)
        .current_dir(work)
        .env("TORCHINDUCTOR_CACHE_DIR", work.join(SCRATCH))
        .output()
        .with_context(|| format!("cannot run {}", python.display()))?;
    fs::remove_dir_all(work.join(SCRATCH)).ok();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().rev().find(|line| !line.trim().is_empty());
        bail!(
            "TorchInductor cannot compile the program: {}",
            last.unwrap_or("it said nothing").trim()
        );
    }
    Ok(())
}

/// What `compile.py` reads.
fn input_specs(inputs: &[TensorSpec], device: Device) -> anyhow::Result<String> {
    let specs = inputs.iter().map(|spec| {
        let shape: Option<Vec<usize>> = spec.shape.dims().iter().map(|dim| dim.known()).collect();
        let shape = shape.with_context(|| format!("an input of shape {}", spec.shape))?;
        Ok(serde_json::json!({
            "dtype": python_dtype(spec.dtype),
            "shape": shape,
            "device": device.to_string(),
        }))
    });
    let specs: Vec<serde_json::Value> = specs.collect::<anyhow::Result<_>>()?;
    Ok(serde_json::to_string(&specs)?)
}

/// Python's name of an element type.
fn python_dtype(dtype: nongemm_core::dtype::DType) -> &'static str {
    use nongemm_core::dtype::DType;
    match dtype {
        DType::F64 => "float64",
        DType::F32 => "float32",
        DType::F16 => "float16",
        DType::BF16 => "bfloat16",
        DType::I64 => "int64",
        DType::I32 => "int32",
        DType::I16 => "int16",
        DType::I8 => "int8",
        DType::U64 => "uint64",
        DType::U32 => "uint32",
        DType::U16 => "uint16",
        DType::U8 => "uint8",
        DType::Bool => "bool",
    }
}

fn key(archive: &Path, specs: &str, threads: &str) -> anyhow::Result<String> {
    let mut hash = Sha256::new();
    let version = device::version();
    for part in [SCRIPT, specs, threads, &version, std::env::consts::ARCH] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    std::io::copy(&mut fs::File::open(archive)?, &mut hash)?;
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}
