//! One mapped safetensors file.
//!
//! The file is mapped, so only what is read takes memory, and each part is given back to the system as
//! soon as it is copied: loading a model takes its own size and a window, not twice its size.

use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use memmap2::{Mmap, UncheckedAdvice};
use nongemm_core::dtype::DType;
use nongemm_core::tensor::HostData;
use rayon::prelude::*;

use super::fingerprint::Fingerprint;
use super::header::{self, Entry, Header};
use crate::element::{Element, decode};

/// Bytes that are copied before their pages are given back. A multiple of every element's size.
const WINDOW: usize = 16 << 20;

/// Elements that one task copies or converts.
const TASK: usize = 1 << 16;

/// A mapped file with its header.
pub(super) struct MappedFile {
    path: PathBuf,
    file: File,
    map: Mmap,
    header: Header,
}

impl MappedFile {
    /// Maps a file and checks its header.
    ///
    /// # Errors
    /// When it cannot be read or its header is wrong; one line that names the file.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let info = fs::metadata(path).with_context(|| format!("cannot read {name}"))?;
        // Before opening: to open a pipe would wait for a writer.
        ensure!(info.is_file(), "{name} is not a file");
        let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
        // SAFETY: the map is only read. Another process that shortens the file while it is mapped could
        // make a read fail; a checkpoint is not written while it is used, and `read` checks the length
        // once more.
        let map = unsafe { Mmap::map(&file) }.with_context(|| format!("cannot map {name}"))?;
        let header = header::read(&map).map_err(|e| anyhow::anyhow!("{name}: {e}"))?;
        let mapped = MappedFile {
            path: path.to_owned(),
            file,
            map,
            header,
        };
        mapped.release(0..mapped.header.data);
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

    /// Names of its tensors.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.header.tensors.keys().map(String::as_str)
    }

    /// A tensor by name.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.header.tensors.get(name)
    }

    /// Adds the header and a few bytes of the data to a fingerprint.
    pub(super) fn add_to(&self, fingerprint: &mut Fingerprint) {
        let (header, data) = self.map.split_at(self.header.data);
        fingerprint.add(header);
        fingerprint.add_sparsely(data);
        self.release(0..self.map.len());
    }

    /// Elements of a tensor that are already of type `dtype`, which is not a floating-point type.
    ///
    /// # Errors
    /// When the file has changed.
    pub(super) fn read_exact(&self, entry: &Entry, dtype: DType) -> anyhow::Result<HostData> {
        self.check_unchanged()?;
        let data = HostData::from_bytes(dtype, &self.map[entry.range.clone()]);
        self.release(entry.range.clone());
        Ok(data)
    }

    /// Elements of a tensor of the floating-point type `from`, as `T`.
    ///
    /// # Errors
    /// When the file has changed.
    pub(super) fn read<T: Element>(&self, entry: &Entry, from: DType) -> anyhow::Result<HostData> {
        self.check_unchanged()?;
        let size = from.size();
        let mut values = T::zeros(entry.range.len() / size);
        let mut start = entry.range.start;
        for values in values.chunks_mut(WINDOW / size) {
            let window = start..start + values.len() * size;
            start = window.end;
            let bytes = self.map[window.clone()].par_chunks(TASK * size);
            let tasks = values.par_chunks_mut(TASK).zip(bytes);
            tasks.for_each(|(values, bytes)| decode(from, bytes, values));
            self.release(window);
        }
        Ok(T::wrap(values))
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
