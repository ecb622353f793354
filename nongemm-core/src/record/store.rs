//! Run records on disk: `<out>/<run-id>/run.json`, written whole, then renamed.
//!
//! ```
//! use nongemm_core::record::store;
//! use nongemm_core::run::failed;
//! # use nongemm_core::record::{RunRecord, RunSpec};
//! # let spec = RunSpec { model: "tiny".to_owned(), ..RunSpec::default() };
//! let out = std::env::temp_dir().join(format!("nongemm-{}", store::unique()));
//! store::write(&out, &failed(&spec, "no kernel".to_owned()))?;
//! let records: Vec<RunRecord> = store::read_all(&out)?;
//! assert_eq!(records[0].error.as_deref(), Some("no kernel"));
//! # std::fs::remove_dir_all(out).ok();
//! # Ok::<(), store::StoreError>(())
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

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

/// What tells whether the rest can be read.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: serde_json::Value,
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
    // The rest of a record of another schema may be anything.
    let head: Head = serde_json::from_str(&text).map_err(|e| format(e.to_string()))?;
    match head.schema.as_u64() {
        Some(found) if found == u64::from(SCHEMA) => {}
        Some(found) => {
            return Err(format(format!(
                "schema {found}, this build reads schema {SCHEMA}"
            )));
        }
        None => return Err(format("it has no schema number".to_owned())),
    }
    serde_json::from_str(&text).map_err(|e| format(e.to_string()))
}

/// The records of several places, and why others that are there cannot be read.
#[derive(Debug, Default)]
pub struct Loaded {
    /// In the order of the places; those of one place sorted by id.
    pub records: Vec<RunRecord>,
    /// Files that are damaged, unfinished, or of another schema.
    pub skipped: Vec<StoreError>,
}

/// Reads every record of some places: each a file, the folder of a run, a folder of such folders, or a
/// folder of those (repetitions of an experiment). A file that is reached twice counts once; one that
/// cannot be read is skipped and named.
///
/// # Errors
/// When a place cannot be read or has no record in it at all.
pub fn load(places: &[PathBuf]) -> Result<Loaded, StoreError> {
    let mut loaded = Loaded::default();
    let mut known = BTreeSet::new();
    for place in places {
        let mut files = Vec::new();
        match place.is_file() {
            true => files.push(place.clone()),
            false => find(place, DEPTH, &mut files)?,
        }
        if files.is_empty() {
            return Err(StoreError::Empty(place.clone()));
        }
        let first = loaded.records.len();
        for file in files {
            let whole = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if !known.insert(whole) {
                continue;
            }
            match read_finished(&file) {
                Ok(record) => loaded.records.push(record),
                Err(error) => loaded.skipped.push(error),
            }
        }
        loaded.records[first..].sort_by(|a, b| a.id.cmp(&b.id));
    }
    Ok(loaded)
}

/// How far below a place its records may be.
const DEPTH: usize = 2;

/// The record files in a folder, sorted by path: its own, or else those of the folders in it.
fn find(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), StoreError> {
    let own = folder.join("run.json");
    if own.is_file() {
        files.push(own);
        return Ok(());
    }
    let mut inner = Vec::new();
    for entry in fs::read_dir(folder).map_err(io("read", folder))? {
        let path = entry.map_err(io("read", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !name.starts_with('.') {
            inner.push(path);
        } else if is_unfinished(&path) {
            files.push(path);
        }
    }
    inner.sort();
    for path in inner {
        if depth > 0 {
            find(&path, depth - 1, files)?;
        }
    }
    Ok(())
}

/// Whether a file is what [`write`] leaves behind when its process is killed.
fn is_unfinished(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(".run-") && name.ends_with(".json")
}

fn read_finished(file: &Path) -> Result<RunRecord, StoreError> {
    if is_unfinished(file) {
        return Err(StoreError::Format {
            path: file.to_owned(),
            message: "it was not finished; run it again".to_owned(),
        });
    }
    read(file)
}

/// Reads every record of a place, for programs that need all of them.
///
/// # Errors
/// As [`load`], and when one cannot be read.
pub fn read_all(place: &Path) -> Result<Vec<RunRecord>, StoreError> {
    let loaded = load(&[place.to_owned()])?;
    match loaded.skipped.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(loaded.records),
    }
}
