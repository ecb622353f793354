//! Builds candle's CUDA kernels, on machines with a GPU and without.
//!
//! A CUDA toolkit that is there is used as it is. Without one, the compiler comes from PyPI, and the
//! binary is linked without CUDA's libraries: it binds their functions when they are first called, so
//! that it starts on machines that have no driver, and finds the libraries of the machine that it is
//! carried to.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::cache;
use crate::setup::{install, site_packages};

/// What compiles CUDA code, and CUDA's runtime as a static library.
const COMPILER: &[&str] = &[
    "nvidia-cuda-nvcc==13.0.88",
    "nvidia-cuda-crt==13.0.88",
    "nvidia-nvvm==13.0.88",
    "nvidia-cuda-cccl==13.0.85",
    "nvidia-cuda-runtime==13.0.96",
];

/// What a binary loads when a GPU is asked for.
const LIBRARIES: &[&str] = &["nvidia-cublas==13.1.0.3", "nvidia-curand==10.4.0.35"];

/// Libraries that candle names to the linker and whose functions are bound when they are called.
const BOUND_LATER: &[&str] = &["cuda", "cublas", "cublasLt", "curand", "nvrtc"];

/// The oldest GPUs that run what is compiled where no GPU tells its own: Ampere, 8.0. Newer ones run it
/// too, since most of candle's kernels are compiled for the GPU at hand when they are loaded.
const OLDEST: &str = "80";

/// In cargo's target folder: apart from other builds, since the flags differ and nothing could be shared.
pub(crate) const FOLDER: &str = "cuda";

/// Lets a command of cargo compile candle's CUDA kernels into the folder `target`.
///
/// # Errors
/// When there is no compiler and none can be fetched.
pub(crate) fn configure(build: &mut Command, target: &Path) -> Result<()> {
    build.arg("--target-dir").arg(target);
    if env::var_os("CUDA_COMPUTE_CAP").is_none() && !has_gpu() {
        build.env("CUDA_COMPUTE_CAP", OLDEST);
    }
    let toolkit = toolkit()?;
    if installed_toolkit().is_none() {
        build.env("RUSTFLAGS", bind_later(&toolkit));
    }
    let mut path = OsString::from(toolkit.join("bin"));
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    build.env("PATH", path).env("CUDA_HOME", toolkit);
    Ok(())
}

/// Fetches what a binary needs to run on a GPU, where no CUDA toolkit is installed.
///
/// # Errors
/// When it cannot be fetched.
pub(crate) fn libraries() -> Result<()> {
    if installed_toolkit().is_none() {
        install(&environment()?, "libraries", LIBRARIES, &["--no-deps"])?;
    }
    Ok(())
}

/// Whether a driver finds a GPU.
pub(crate) fn has_gpu() -> bool {
    let mut ask = Command::new("nvidia-smi");
    ask.arg("--list-gpus").stderr(Stdio::null());
    ask.output()
        .is_ok_and(|answer| answer.status.success() && !answer.stdout.is_empty())
}

/// The toolkit of `CUDA_HOME` or `CUDA_PATH`, else that of the `nvcc` on the path.
fn installed_toolkit() -> Option<PathBuf> {
    let named = ["CUDA_HOME", "CUDA_PATH"]
        .into_iter()
        .filter_map(env::var_os);
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).filter_map(|bin| Some(bin.parent()?.to_owned()));
    let has_compiler = |home: &PathBuf| home.join("bin").join("nvcc").is_file();
    named.map(PathBuf::from).chain(on_path).find(has_compiler)
}

/// The toolkit that is installed, else the one in the cache.
///
/// # Errors
/// When there is none and it cannot be fetched.
pub(crate) fn toolkit() -> Result<PathBuf> {
    installed_toolkit().map_or_else(fetched_toolkit, Ok)
}

fn environment() -> Result<PathBuf> {
    Ok(cache::dir()?.join("cuda-13.0"))
}

/// The toolkit in the cache: fetched on first use (about 270 MB), with a folder for the linker.
fn fetched_toolkit() -> Result<PathBuf> {
    let venv = environment()?;
    install(&venv, "compiler", COMPILER, &["--no-deps"])?;
    let toolkit = site_packages(&venv, "nvidia")?
        .map(|packages| packages.join("nvidia").join("cu13"))
        .with_context(|| format!("no CUDA in {}; delete it and try again", venv.display()))?;
    let folder = toolkit.join("lib64");
    link_folder(&folder).with_context(|| format!("cannot write {}", folder.display()))?;
    Ok(toolkit)
}

/// Where the linker looks: an empty archive for each library that is bound later, and CUDA's runtime,
/// which kernels register with when the process starts and which needs no driver for that.
fn link_folder(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for name in BOUND_LATER {
        fs::write(folder.join(format!("lib{name}.a")), "!<arch>\n")?;
    }
    let runtime = folder.join("libcudart.a");
    if !runtime.is_file() {
        std::os::unix::fs::symlink("../lib/libcudart_static.a", runtime)?;
    }
    Ok(())
}

/// Flags with which functions that no library defines are bound when they are first called.
fn bind_later(toolkit: &Path) -> String {
    let link = [
        // Calls go through the procedure linkage table, and that is filled call by call.
        "-z,lazy".to_owned(),
        "--unresolved-symbols=ignore-all".to_owned(),
        // libtorch brings a CUDA runtime of its own, whose functions these must not replace.
        "--exclude-libs,libcudart.a".to_owned(),
        format!("-rpath,{}", toolkit.join("lib").display()),
    ];
    let mut flags = env::var("RUSTFLAGS").unwrap_or_default();
    flags.push_str(" -C relro-level=partial");
    for option in link {
        flags.push_str(" -C link-arg=-Wl,");
        flags.push_str(&option);
    }
    flags
}
