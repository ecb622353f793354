//! Where reports are written, and errors that name it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use nongemm_core::plugin::ReportTarget;

/// Writes a report that is one document: to the stream, or as the file `name` into the folder.
pub(crate) fn document(
    target: &mut ReportTarget<'_>,
    name: &str,
    body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    match target {
        ReportTarget::Stream(stream, _) => self::stream(*stream, body),
        ReportTarget::Folder(folder) => file(folder, name, body),
    }
}

/// Writes to a stream. A closed pipe stays an [`io::Error`] in the chain, so that the caller can tell.
pub(crate) fn stream(
    stream: &mut dyn Write,
    body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    body(stream)
        .and_then(|()| stream.flush())
        .context("cannot write the report")
}

/// Writes a file of a folder, which is made if it is not there.
pub(crate) fn file(
    folder: &Path,
    name: &str,
    body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let path = folder.join(name);
    let written = File::create(&path).and_then(|file| {
        let mut writer = BufWriter::new(file);
        body(&mut writer)?;
        writer.flush()
    });
    written.with_context(|| format!("cannot write {}", path.display()))
}
