//! What readers of files share: finding pictures and reading them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use nongemm_core::plugin::Sample;

use crate::decode::{MAX_FILE_BYTES, decode};

/// Files and folders in a folder, sorted by name.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot_list = || format!("cannot list `{}`", folder.display());
    let entries = fs::read_dir(folder).with_context(cannot_list)?;
    let paths = entries.map(|entry| Ok(entry?.path()));
    let paths: std::io::Result<Vec<PathBuf>> = paths.collect();
    let mut paths = paths.with_context(cannot_list)?;
    paths.sort();
    Ok(paths)
}

/// The files of a folder whose names say that they are pictures, sorted by name, without subfolders.
pub(super) fn pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = entries(folder)?;
    files.retain(|path| has_extension(path, &["jpg", "jpeg", "png"]) && path.is_file());
    Ok(files)
}

/// Whether a file's extension is one of `known`, in capitals or not.
pub(super) fn has_extension(path: &Path, known: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|found| known.iter().any(|known| found.eq_ignore_ascii_case(known)))
}

/// Reads and decodes one picture.
///
/// # Errors
/// When it is missing, too large, damaged or no picture; one line that names it.
pub(super) fn read_picture(file: &Path) -> Result<Sample> {
    let name = file.display().to_string();
    let cannot_read = || format!("cannot read `{name}`");
    let info = fs::metadata(file).with_context(cannot_read)?;
    // A pipe would wait for a writer.
    ensure!(info.is_file(), "`{name}` is not a file");
    let size = info.len();
    if size > MAX_FILE_BYTES {
        bail!(
            "`{name}` has {size} bytes; at most {} MiB are read",
            MAX_FILE_BYTES >> 20
        );
    }
    let bytes = fs::read(file).with_context(cannot_read)?;
    Ok(Sample::Image(decode(&name, &bytes)?))
}
