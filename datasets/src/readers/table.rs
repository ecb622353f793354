//! The column of text of a Parquet file, as the Hugging Face hub stores datasets.

use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::lines::LONGEST;

/// The name of the column.
const COLUMN: &str = "text";

/// Rows that are read at a time.
const BATCH: usize = 256;

/// The rows of the column `text`, without their line ends, read a part at a time.
pub(super) struct TextColumn {
    name: String,
    reader: SerializedFileReader<File>,
    /// Position of the column.
    column: usize,
    /// Row groups that were begun.
    groups: usize,
    current: Option<ColumnReaderImpl<ByteArrayType>>,
    rows: VecDeque<Option<ByteArray>>,
    row: usize,
}

impl TextColumn {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, is no Parquet file or has no such column; one line that names it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let info = std::fs::metadata(path).with_context(|| format!("cannot read `{name}`"))?;
        ensure!(info.is_file(), "`{name}` is not a file");
        let file = File::open(path).with_context(|| format!("cannot read `{name}`"))?;
        let reader = guarded(|| SerializedFileReader::new(file))
            .map_err(|e| anyhow!("`{name}` is no Parquet file, or damaged: {e}"))?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let column = schema
            .columns()
            .iter()
            .position(|c| c.path().string() == COLUMN);
        let column = column.with_context(|| format!("`{name}` has no column `{COLUMN}`"))?;
        let repeated = schema.column(column).max_rep_level() > 0;
        ensure!(!repeated, "the column `{COLUMN}` of `{name}` holds lists");
        Ok(TextColumn {
            name,
            reader,
            column,
            groups: 0,
            current: None,
            rows: VecDeque::new(),
            row: 0,
        })
    }

    /// Reads more rows; false at the end.
    fn fill(&mut self) -> Result<bool> {
        loop {
            if let Some(reader) = &mut self.current {
                let (mut values, mut levels) = (Vec::new(), Vec::new());
                let read =
                    guarded(|| reader.read_records(BATCH, Some(&mut levels), None, &mut values));
                let (records, ..) = read.map_err(|e| anyhow!("`{}` is damaged: {e}", self.name))?;
                if records > 0 {
                    self.rows = rows(records, values, &levels);
                    return Ok(true);
                }
                self.current = None;
            }
            if self.groups == self.reader.num_row_groups() {
                return Ok(false);
            }
            let (group, column) = (self.groups, self.column);
            self.groups += 1;
            let file = &self.reader;
            let opened = guarded(|| file.get_row_group(group)?.get_column_reader(column));
            self.current = match opened.map_err(|e| anyhow!("`{}` is damaged: {e}", self.name))? {
                ColumnReader::ByteArrayColumnReader(reader) => Some(reader),
                _ => bail!("the column `{COLUMN}` of `{}` is no text", self.name),
            };
        }
    }
}

/// Values in their rows: where there are levels, those of 0 are rows without a value.
fn rows(count: usize, values: Vec<ByteArray>, levels: &[i16]) -> VecDeque<Option<ByteArray>> {
    if levels.is_empty() {
        return values.into_iter().map(Some).collect();
    }
    let most = levels.iter().copied().max().unwrap_or(0).max(1);
    let mut values = values.into_iter();
    let levels = levels.iter().take(count);
    levels
        .map(|level| if *level == most { values.next() } else { None })
        .collect()
}

/// Runs the library, of which damaged files are known to make panics, so that they are errors.
fn guarded<T>(read: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T, String> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            let text = error.to_string();
            Err(text.lines().next().unwrap_or_default().to_owned())
        }
        Err(_) => Err("its parts contradict each other".to_owned()),
    }
}

impl Iterator for TextColumn {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rows.is_empty() {
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    // What follows in a damaged file cannot be told from what belongs together.
                    (self.groups, self.current) = (self.reader.num_row_groups(), None);
                    return Some(Err(error));
                }
            }
        }
        self.row += 1;
        let name = format!("{}:{}", self.name, self.row);
        Some(match self.rows.pop_front()? {
            None => Err(anyhow!("`{name}` has no value")),
            Some(value) if value.len() > LONGEST => {
                Err(anyhow!("`{name}` is longer than {LONGEST} bytes"))
            }
            Some(value) => match std::str::from_utf8(value.data()) {
                Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(_) => Err(anyhow!("`{name}` is not valid UTF-8")),
            },
        })
    }
}
