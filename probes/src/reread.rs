//! Files of `/proc` and `/sys` that are opened once and read again and again.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// An open file and room for what it says.
#[derive(Debug)]
pub(crate) struct Reread {
    file: File,
    buffer: Vec<u8>,
}

impl Reread {
    /// Opens a file of which at most `limit` bytes matter. `None` if it cannot be read.
    pub(crate) fn open(path: &Path, limit: usize) -> Option<Self> {
        Reread::try_open(path, limit).ok()
    }

    /// The same, with the reason.
    pub(crate) fn try_open(path: &Path, limit: usize) -> std::io::Result<Self> {
        let mut opened = Reread {
            file: File::open(path)?,
            buffer: vec![0; limit],
        };
        opened.fill()?;
        Ok(opened)
    }

    /// What the file says now. `None` if it cannot be read any more.
    pub(crate) fn read(&mut self) -> Option<&str> {
        let length = self.fill().ok()?;
        // The limit may cut a character in two; what is read is ASCII.
        let text = self.buffer[..length].utf8_chunks().next()?;
        Some(text.valid())
    }

    fn fill(&mut self) -> std::io::Result<usize> {
        let mut length = 0;
        while length < self.buffer.len() {
            match self
                .file
                .read_at(&mut self.buffer[length..], length as u64)?
            {
                0 => break,
                read => length += read,
            }
        }
        Ok(length)
    }

    /// The number that the file holds, where it holds nothing else.
    pub(crate) fn number(&mut self) -> Option<f64> {
        self.read()?.trim().parse().ok()
    }
}
