//! One mapped file of a checkpoint.
//!
//! The file is mapped, so only what is read takes memory, and each part is given back to the system as
//! soon as it is copied: loading a model takes its own size and a window, not twice its size.

use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use memmap2::{Mmap, UncheckedAdvice};
use nongemm_core::dtype::DType;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::entry::Positions;
use super::fingerprint::Fingerprint;
use super::{Contents, Entry, Kind};
use crate::element::{Element, decode};

/// Bytes that are copied before their pages are given back. A multiple of every element's size.
const WINDOW: usize = 16 << 20;

/// Elements that one task copies or converts.
const TASK: usize = 1 << 16;

/// Elements that are gathered at a time where they do not lie one after the other.
const BLOCK: usize = 1 << 12;

/// A mapped file and what it holds.
pub(super) struct MappedFile {
    path: PathBuf,
    file: File,
    map: Mmap,
    contents: Contents,
}

impl MappedFile {
    /// Maps a file and reads what it holds.
    ///
    /// # Errors
    /// When it cannot be read or is wrong; one line that names the file.
    pub(super) fn open(kind: &Kind, path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let info = fs::metadata(path).with_context(|| format!("cannot read {name}"))?;
        // Before opening: to open a pipe would wait for a writer.
        ensure!(info.is_file(), "{name} is not a file");
        let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
        // SAFETY: the map is only read. Another process that shortens the file while it is mapped could
        // make a read fail; a checkpoint is not written while it is used, and `read` checks the length
        // once more.
        let map = unsafe { Mmap::map(&file) }.with_context(|| format!("cannot map {name}"))?;
        let contents = (kind.read)(&map).map_err(|e| anyhow::anyhow!("{name}: {e}"))?;
        let mapped = MappedFile {
            path: path.to_owned(),
            file,
            map,
            contents,
        };
        mapped.release(0..mapped.map.len());
        Ok(mapped)
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.map.len() as u64
    }

    /// The SHA-256 of all its bytes, in hexadecimal. The pages that were read are given back.
    ///
    /// # Errors
    /// When the file has changed.
    pub(super) fn sha256(&self) -> anyhow::Result<String> {
        self.check_unchanged()?;
        let mut hash = Sha256::new();
        for start in (0..self.map.len()).step_by(WINDOW) {
            let window = start..(start + WINDOW).min(self.map.len());
            hash.update(&self.map[window.clone()]);
            self.release(window);
        }
        let bytes = hash.finalize();
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Names of its tensors.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.contents.tensors.keys().map(String::as_str)
    }

    /// A tensor by name.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.contents.tensors.get(name)
    }

    /// Adds what says which tensors it holds, and a few bytes of the data, to a fingerprint.
    pub(super) fn add_to(&self, fingerprint: &mut Fingerprint) {
        let head = &self.contents.head;
        fingerprint.add_sparsely(&self.map[..head.start]);
        fingerprint.add(&self.map[head.clone()]);
        fingerprint.add_sparsely(&self.map[head.end..]);
        self.release(0..self.map.len());
    }

    /// The little-endian bytes of a tensor's elements of the type `dtype`, appended to `bytes`.
    ///
    /// # Errors
    /// When the file has changed.
    pub(super) fn read_bytes(
        &self,
        entry: &Entry,
        dtype: DType,
        bytes: &mut Vec<u8>,
    ) -> anyhow::Result<()> {
        self.check_unchanged()?;
        if entry.is_plain() {
            bytes.extend_from_slice(&self.map[entry.range.clone()]);
        } else {
            let start = bytes.len();
            bytes.resize(start + entry.elements() * dtype.size(), 0);
            let mut positions = entry.positions(dtype.size());
            self.gather(entry, dtype, &mut positions, &mut bytes[start..]);
        }
        self.release(entry.range.clone());
        Ok(())
    }

    /// The elements of a tensor of the floating-point type `from`, as `T`; `values` has as many.
    ///
    /// # Errors
    /// When the file has changed.
    pub(super) fn read<T: Element>(
        &self,
        entry: &Entry,
        from: DType,
        values: &mut [T],
    ) -> anyhow::Result<()> {
        self.check_unchanged()?;
        if entry.is_plain() {
            self.convert(entry, from, values);
        } else {
            let mut positions = entry.positions(from.size());
            let mut block = vec![0; BLOCK * from.size()];
            for values in values.chunks_mut(BLOCK) {
                let block = &mut block[..values.len() * from.size()];
                self.gather(entry, from, &mut positions, block);
                decode(from, block, values);
            }
            self.release(entry.range.clone());
        }
        Ok(())
    }

    fn convert<T: Element>(&self, entry: &Entry, from: DType, values: &mut [T]) {
        let size = from.size();
        let mut start = entry.range.start;
        for values in values.chunks_mut(WINDOW / size) {
            let window = start..start + values.len() * size;
            start = window.end;
            let bytes = self.map[window.clone()].par_chunks(TASK * size);
            let tasks = values.par_chunks_mut(TASK).zip(bytes);
            tasks.for_each(|(values, bytes)| decode(from, bytes, values));
            self.release(window);
        }
    }

    /// Copies the next elements, one after the other and little-endian, until `block` is full.
    fn gather(&self, entry: &Entry, dtype: DType, positions: &mut Positions<'_>, block: &mut [u8]) {
        let size = dtype.size();
        for (element, at) in block.chunks_exact_mut(size).zip(positions) {
            element.copy_from_slice(&self.map[at..at + size]);
            if entry.swapped {
                element.reverse();
            }
        }
    }

    fn check_unchanged(&self) -> anyhow::Result<()> {
        let name = self.path.display();
        let info = self
            .file
            .metadata()
            .with_context(|| format!("cannot read {name}"))?;
        ensure!(
            info.len() == self.len(),
            "{name} has changed since it was opened"
        );
        Ok(())
    }

    /// Gives the pages of a part of the file back. A failure costs memory and nothing else.
    fn release(&self, range: Range<usize>) {
        // SAFETY: the map is shared, read-only and backed by a file: pages that are given back are read
        // from the file again when they are touched, with the same content.
        let _ = unsafe {
            self.map
                .unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len())
        };
    }
}
