//! Run records on disk: `<out>/<run-id>/run.json`, written whole, then renamed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::schema::{RunRecord, SCHEMA};

/// Why a record cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file is not a run record.
    #[error("{} is not a run record: {message}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A folder holds no records.
    #[error("no run.json in {} or in the folders in it", .0.display())]
    Empty(PathBuf),
}

fn io<'p>(
    what: &'static str,
    path: &'p Path,
) -> impl FnOnce(std::io::Error) -> StoreError + use<'p> {
    move |source| StoreError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

/// Makes `out` if it is not there and checks that files can be written in it.
///
/// # Errors
/// When it cannot be made or written.
pub fn ensure_writable(out: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(out).map_err(io("make the folder", out))?;
    let probe = out.join(format!(".writable-{}", unique()));
    fs::write(&probe, b"").map_err(io("write in", out))?;
    fs::remove_file(&probe).map_err(io("write in", out))
}

/// A name that no other process takes, on this machine or on another that shares the folder.
pub fn unique() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = now.map_or(0, |since| since.subsec_nanos());
    format!("{}-{nanos:08x}", std::process::id())
}

/// The file of a run.
pub fn path(out: &Path, id: &str) -> PathBuf {
    out.join(id).join("run.json")
}

/// Writes a record: first beside its place, flushed to the disk, then renamed, so that a reader never
/// sees half a record and an interruption never damages an older one.
///
/// # Errors
/// When the file system refuses.
pub fn write(out: &Path, record: &RunRecord) -> Result<PathBuf, StoreError> {
    let target = path(out, &record.id);
    let folder = target.parent().unwrap_or(out);
    fs::create_dir_all(folder).map_err(io("make the folder", folder))?;
    let mut text = serde_json::to_string_pretty(record).map_err(|e| StoreError::Format {
        path: target.clone(),
        message: e.to_string(),
    })?;
    text.push('\n');
    let partial = folder.join(format!(".run-{}.json", unique()));
    let written = fs::File::create(&partial)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&partial, &target));
    if let Err(source) = written {
        let _ = fs::remove_file(&partial);
        return Err(io("write", &target)(source));
    }
    Ok(target)
}

/// Reads one record.
///
/// # Errors
/// When the file cannot be read, is no record, or is of another schema.
pub fn read(file: &Path) -> Result<RunRecord, StoreError> {
    let format = |message: String| StoreError::Format {
        path: file.to_owned(),
        message,
    };
    let text = fs::read_to_string(file).map_err(io("read", file))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| format(e.to_string()))?;
    match value.get("schema").and_then(serde_json::Value::as_u64) {
        Some(found) if found == u64::from(SCHEMA) => {}
        Some(found) => {
            return Err(format(format!(
                "schema {found}, this build reads schema {SCHEMA}"
            )));
        }
        None => return Err(format("it has no schema number".to_owned())),
    }
    serde_json::from_value(value).map_err(|e| format(e.to_string()))
}

/// Reads the record of a run folder, or all records of a folder of run folders, sorted by id.
///
/// # Errors
/// When there is none, or one cannot be read.
pub fn read_all(folder: &Path) -> Result<Vec<RunRecord>, StoreError> {
    let own = folder.join("run.json");
    if own.is_file() {
        return Ok(vec![read(&own)?]);
    }
    let mut records = Vec::new();
    for entry in fs::read_dir(folder).map_err(io("read", folder))? {
        let file = entry.map_err(io("read", folder))?.path().join("run.json");
        if file.is_file() {
            records.push(read(&file)?);
        }
    }
    if records.is_empty() {
        return Err(StoreError::Empty(folder.to_owned()));
    }
    records.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(records)
}
