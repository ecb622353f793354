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
        let mut opened = Reread {
            file: File::open(path).ok()?,
            buffer: vec![0; limit],
        };
        opened.read().is_some().then_some(opened)
    }

    /// What the file says now. `None` if it cannot be read any more.
    pub(crate) fn read(&mut self) -> Option<&str> {
        let mut length = 0;
        while length < self.buffer.len() {
            match self.file.read_at(&mut self.buffer[length..], length as u64) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(_) => return None,
            }
        }
        // The limit may cut a character in two; what is read is ASCII.
        let text = self.buffer[..length].utf8_chunks().next()?;
        Some(text.valid())
    }

    /// The number that the file holds, where it holds nothing else.
    pub(crate) fn number(&mut self) -> Option<f64> {
        self.read()?.trim().parse().ok()
    }
}
