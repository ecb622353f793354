//! ONNX Runtime's library: found, examined, then loaded, once in a process.
//!
//! The crate `ort` panics or blocks when the library is not what it expects, so that every library is
//! examined before `ort` sees it.

use std::ffi::{CStr, c_char};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::Context;
use nongemm_core::cache;
use ort::environment::Environment;
use ort::logging::LogLevel;

/// The oldest release that will do, 1.x: the first that can profile single runs.
const OLDEST: u32 = ort::MINOR_VERSION;

/// Where `cargo xtask setup` puts the library, in the cache.
const FETCHED: &str = "onnxruntime-1.31.1/libonnxruntime.so";

/// How to get what is missing.
const REMEDY: &str = "run `cargo xtask setup`, or set ORT_DYLIB_PATH to a libonnxruntime";

/// How to get execution providers that are missing.
pub(crate) const PROVIDERS_REMEDY: &str =
    "set ORT_DYLIB_PATH to a libonnxruntime that has it (for cuda: that of PyPI's onnxruntime-gpu)";

/// The library of this process.
pub(crate) struct Library {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Its release, `1.31.1`.
    pub(crate) version: String,
    /// Names of the execution providers that it was built with.
    pub(crate) providers: Vec<String>,
    /// What sessions are made in.
    pub(crate) environment: Environment,
}

/// Finds and loads the library; the first call decides for the process.
///
/// # Errors
/// One sentence that says what is missing or wrong; [`remedy`](Missing::remedy) says what to do.
pub(crate) fn library() -> Result<&'static Library, Missing> {
    static LIBRARY: OnceLock<Result<Library, Missing>> = OnceLock::new();
    let loaded = LIBRARY.get_or_init(|| {
        load().map_err(|error| Missing {
            reason: format!("{error:#}"),
            remedy: REMEDY.to_owned(),
        })
    });
    loaded.as_ref().map_err(Clone::clone)
}

/// Why there is no library.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}; {remedy}")]
pub(crate) struct Missing {
    /// What is missing or wrong.
    pub(crate) reason: String,
    /// What to do.
    pub(crate) remedy: String,
}

fn load() -> anyhow::Result<Library> {
    let path = find()?;
    let version = examine(&path)?;
    let environment = ort::init_from(&path)
        .map_err(|error| anyhow::anyhow!("{} cannot be loaded: {error}", path.display()))?
        .with_telemetry(false)
        .build()
        .context("ONNX Runtime does not start")?;
    // What it would print is in the errors that it returns.
    environment.set_log_level(LogLevel::Fatal);
    Ok(Library {
        providers: providers()?,
        path,
        version,
        environment,
    })
}

/// The library's place: `ORT_DYLIB_PATH`, else the cache.
fn find() -> anyhow::Result<PathBuf> {
    if let Some(own) = std::env::var_os("ORT_DYLIB_PATH").filter(|value| !value.is_empty()) {
        let own = PathBuf::from(own);
        anyhow::ensure!(
            own.is_file(),
            "ORT_DYLIB_PATH={}: there is no such file",
            own.display()
        );
        return own
            .canonicalize()
            .with_context(|| format!("ORT_DYLIB_PATH={} cannot be read", own.display()));
    }
    let fetched = cache::dir()?.join(FETCHED);
    anyhow::ensure!(
        fetched.is_file(),
        "ONNX Runtime's library is not there ({})",
        fetched.display()
    );
    Ok(fetched)
}

/// The release of a library, after a look at whether it is ONNX Runtime's at all and new enough.
fn examine(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    // SAFETY: loading runs the library's initialisers; which one it is was the user's choice.
    let library = unsafe { libloading::Library::new(path) }.map_err(|error| {
        // The system's own words are in the cause.
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let cause = cause.unwrap_or_else(|| error.to_string());
        anyhow::anyhow!("{shown} cannot be loaded: {cause}")
    })?;
    // SAFETY: the type is that of ONNX Runtime's only exported function of this name.
    let base = unsafe {
        library.get::<unsafe extern "C" fn() -> *const ort::sys::OrtApiBase>(b"OrtGetApiBase")
    };
    let base = base.map_err(|_| {
        anyhow::anyhow!("{shown} is not ONNX Runtime's library: it has no OrtGetApiBase")
    })?;
    // SAFETY: the base and its texts are constants of the library, which is loaded.
    let version = unsafe {
        let base = base();
        anyhow::ensure!(!base.is_null(), "{shown} offers no interface");
        let version: *const c_char = ((*base).GetVersionString)();
        anyhow::ensure!(!version.is_null(), "{shown} does not say its version");
        CStr::from_ptr(version).to_string_lossy().into_owned()
    };
    let minor = version.split('.').nth(1).and_then(|part| part.parse().ok());
    let fits = version.starts_with("1.") && minor.is_some_and(|minor: u32| minor >= OLDEST);
    anyhow::ensure!(
        fits,
        "{shown} is ONNX Runtime {version}, and 1.{OLDEST} or later is needed"
    );
    Ok(version)
}

fn providers() -> anyhow::Result<Vec<String>> {
    let (mut names, mut count) = (std::ptr::null_mut(), 0);
    let api = ort::api();
    // SAFETY: addresses of locals; the list is copied before it is given back.
    unsafe {
        let status = (api.GetAvailableProviders)(&raw mut names, &raw mut count);
        ort::Error::result_from_status(status)?;
        let list = (0..count as usize).map(|index| {
            CStr::from_ptr(*names.add(index))
                .to_string_lossy()
                .into_owned()
        });
        let list = list.collect();
        ort::Error::result_from_status((api.ReleaseAvailableProviders)(names, count))?;
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_library_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "not a library").unwrap();
        let error = examine(file.path()).unwrap_err().to_string();
        assert!(error.contains("cannot be loaded"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_library_of_something_else_is_refused() {
        let error = examine(Path::new("libc.so.6")).unwrap_err().to_string();
        assert!(error.contains("is not ONNX Runtime's library"), "{error}");
    }
}
