//! Registries on disk.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::codec::{CodecError, decode, encode};
use super::set::OperatorRegistry;
use crate::plugin::Imported;

/// Why a registry file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RegistryFileError {
    /// The file system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{} is not an operator registry: {source}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: CodecError,
    },
}

/// Reads a registry file. Bad lines in it are refused one by one.
///
/// # Errors
/// When it cannot be read or holds something else.
pub fn read(path: &Path) -> Result<Imported, RegistryFileError> {
    let bytes = fs::read(path).map_err(|source| RegistryFileError::Io {
        what: "read",
        path: path.to_owned(),
        source,
    })?;
    decode(&bytes).map_err(|source| RegistryFileError::Format {
        path: path.to_owned(),
        source,
    })
}

/// Writes a registry file, beside its place first, so that an interruption damages nothing.
///
/// # Errors
/// When the file system refuses.
pub fn write(path: &Path, registry: &OperatorRegistry) -> Result<(), RegistryFileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let partial = path.with_file_name(name);
    let written = fs::File::create(&partial)
        .and_then(|mut file| {
            file.write_all(&encode(registry))?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&partial, path));
    written.map_err(|source| {
        let _ = fs::remove_file(&partial);
        RegistryFileError::Io {
            what: "write",
            path: path.to_owned(),
            source,
        }
    })
}
