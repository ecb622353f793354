//! Text files line by line, of which no line is taken for more memory than a passage may have.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// The most bytes that one passage may have.
pub(super) const LONGEST: usize = 1 << 20;

/// The lines of a file, without their ends.
pub(super) struct Lines {
    name: String,
    reader: BufReader<File>,
    number: usize,
    ended: bool,
}

/// A line's number, from 1, and its text, or what is wrong with it.
pub(super) type Line = (usize, Result<String>);

impl Lines {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read; one line that names it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let cannot_read = || format!("cannot read `{name}`");
        // Before opening: to open a pipe would wait for a writer.
        let info = std::fs::metadata(path).with_context(cannot_read)?;
        ensure!(info.is_file(), "`{name}` is not a file");
        let reader = BufReader::new(File::open(path).with_context(cannot_read)?);
        Ok(Lines {
            name,
            reader,
            number: 0,
            ended: false,
        })
    }

    /// How a passage that starts at a line is called.
    pub(super) fn name_at(&self, line: usize) -> String {
        format!("{}:{line}", self.name)
    }

    fn read(&mut self) -> Result<Option<String>> {
        let name = self.name_at(self.number);
        let mut line = Vec::new();
        let limit = LONGEST as u64 + 1;
        let read = self
            .reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut line);
        let read =
            read.and_then(
                |read| match read as u64 == limit && line.last() != Some(&b'\n') {
                    true => self.reader.skip_until(b'\n').map(|_| read),
                    false => Ok(read),
                },
            );
        if let Err(error) = read {
            self.ended = true;
            bail!("cannot read `{}`: {error}", self.name);
        }
        if line.is_empty() {
            self.ended = true;
            return Ok(None);
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        ensure!(
            line.len() < LONGEST,
            "`{name}` is longer than {LONGEST} bytes"
        );
        match String::from_utf8(line) {
            Ok(line) => Ok(Some(line)),
            Err(_) => bail!("`{name}` is not valid UTF-8"),
        }
    }
}

impl Iterator for Lines {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        if self.ended {
            return None;
        }
        self.number += 1;
        let line = self.read().transpose()?;
        Some((self.number, line))
    }
}
