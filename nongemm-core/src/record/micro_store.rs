//! Micro records on disk: `<out>/<id>/micro.json`, written whole at the end. Until then every entry is a
//! line of `micro.jsonl` beside it, whose first line is the record without entries, so that an interruption
//! loses nothing.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::micro::{MicroEntry, MicroRecord, Outcome};
use super::schema::SCHEMA;
use super::store::StoreError;

/// The file of a record.
pub fn path(out: &Path, id: &str) -> PathBuf {
    out.join(id).join("micro.json")
}

fn lines_path(out: &Path, id: &str) -> PathBuf {
    path(out, id).with_extension("jsonl")
}

fn io(what: &'static str, path: &Path, source: std::io::Error) -> StoreError {
    StoreError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

fn wrong(path: &Path, message: impl ToString) -> StoreError {
    StoreError::Format {
        path: path.to_owned(),
        message: message.to_string(),
    }
}

/// A record that grows entry by entry.
pub struct Growing {
    out: PathBuf,
    file: File,
    record: MicroRecord,
}

impl Growing {
    /// Begins a record. What an earlier run of the same id left is replaced, except that with `resume` its
    /// entries that gave a result stay.
    ///
    /// # Errors
    /// When the file system refuses, or the earlier record is of other settings.
    pub fn begin(out: &Path, mut record: MicroRecord, resume: bool) -> Result<Self, StoreError> {
        record.entries.clear();
        if resume && let Some(earlier) = read_any(out, &record.id)? {
            if earlier.spec != record.spec {
                let file = path(out, &record.id);
                let message =
                    "it was measured with other settings; repeat them, or leave --resume out";
                return Err(wrong(&file, message));
            }
            record.entries = earlier.entries;
            let failed = |entry: &MicroEntry| matches!(entry.outcome, Outcome::Failed { .. });
            record.entries.retain(|entry| !failed(entry));
        }
        let lines = lines_path(out, &record.id);
        let folder = lines.parent().unwrap_or(out);
        fs::create_dir_all(folder).map_err(|e| io("make the folder", folder, e))?;
        let partial = lines.with_extension(format!("{}.partial", std::process::id()));
        let file = write_lines(&partial, &record)
            .and_then(|()| fs::rename(&partial, &lines))
            .and_then(|()| OpenOptions::new().append(true).open(&lines))
            .map_err(|e| io("write", &lines, e))?;
        Ok(Growing {
            out: out.to_owned(),
            file,
            record,
        })
    }

    /// The record so far.
    pub fn record(&self) -> &MicroRecord {
        &self.record
    }

    /// Adds an entry, on the disk first.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, entry: MicroEntry) -> Result<(), StoreError> {
        let written = line(&entry).and_then(|line| self.file.write_all(line.as_bytes()));
        written.map_err(|e| io("write", &lines_path(&self.out, &self.record.id), e))?;
        self.record.entries.push(entry);
        Ok(())
    }

    /// Changes the entries once all are there, writes the record whole and returns it.
    ///
    /// # Errors
    /// When it cannot be written; the lines stay.
    pub fn finish(self, change: impl FnOnce(&mut MicroRecord)) -> Result<MicroRecord, StoreError> {
        let mut record = self.record;
        change(&mut record);
        let target = path(&self.out, &record.id);
        let text = serde_json::to_string_pretty(&record).map_err(|e| wrong(&target, e))?;
        let partial = target.with_extension(format!("{}.partial", std::process::id()));
        File::create(&partial)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.write_all(b"\n")?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&partial, &target))
            .map_err(|e| io("write", &target, e))?;
        let lines = lines_path(&self.out, &record.id);
        fs::remove_file(&lines).map_err(|e| io("remove", &lines, e))?;
        Ok(record)
    }
}

fn line(value: &impl serde::Serialize) -> std::io::Result<String> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    Ok(line)
}

fn write_lines(file: &Path, record: &MicroRecord) -> std::io::Result<()> {
    let header = MicroRecord {
        entries: Vec::new(),
        ..record.clone()
    };
    let mut text = line(&header)?;
    for entry in &record.entries {
        text.push_str(&line(entry)?);
    }
    fs::write(file, text)
}

/// The record of an id: the lines where a run was interrupted, else the whole record; nothing without one.
fn read_any(out: &Path, id: &str) -> Result<Option<MicroRecord>, StoreError> {
    let (lines, whole) = (lines_path(out, id), path(out, id));
    if lines.is_file() {
        return read_lines(&lines).map(Some);
    }
    match whole.is_file() {
        true => read(&whole).map(Some),
        false => Ok(None),
    }
}

/// Reads a whole record.
///
/// # Errors
/// When it cannot be read, is none, or is of another schema.
pub fn read(file: &Path) -> Result<MicroRecord, StoreError> {
    let text = fs::read_to_string(file).map_err(|e| io("read", file, e))?;
    let record: MicroRecord = serde_json::from_str(&text).map_err(|e| wrong(file, e))?;
    of_this_schema(file, record)
}

fn of_this_schema(file: &Path, record: MicroRecord) -> Result<MicroRecord, StoreError> {
    match record.schema {
        SCHEMA => Ok(record),
        found => {
            let message = format!("schema {found}, this build reads schema {SCHEMA}");
            Err(wrong(file, message))
        }
    }
}

/// Reads the lines of a run that was interrupted. A last line that is torn is left out.
fn read_lines(file: &Path) -> Result<MicroRecord, StoreError> {
    let text = fs::read_to_string(file).map_err(|e| io("read", file, e))?;
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let mut record: MicroRecord = serde_json::from_str(first).map_err(|e| wrong(file, e))?;
    for line in lines.filter(|line| line.ends_with('\n')) {
        let entry = serde_json::from_str(line).map_err(|e| wrong(file, e))?;
        record.entries.push(entry);
    }
    of_this_schema(file, record)
}
