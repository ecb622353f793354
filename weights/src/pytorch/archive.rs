//! The zip archive that PyTorch writes since 1.6: a pickle `NAME/data.pkl`, the elements of each storage
//! in an entry `NAME/data/KEY`, and the byte order. Entries are stored as they are, so that tensors are
//! read from the mapped file; what is compressed was not written by PyTorch and is refused.

use std::collections::HashMap;
use std::io::Cursor;
use std::ops::Range;

use zip::{CompressionMethod, ZipArchive};

use super::element::Scalar;
use super::tensor::{Bytes, Storages};
use super::{pickle, state_dict};
use crate::checkpoint::{Contents, shown};

/// More entries than this are no checkpoint.
const MOST_ENTRIES: usize = 1 << 20;

/// Whether a file starts like a zip archive.
pub(super) fn starts(file: &[u8]) -> bool {
    file.starts_with(b"PK\x03\x04")
}

/// Reads which tensors an archive holds.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(file: &[u8]) -> Result<Contents, String> {
    let entries = Entries::read(file)?;
    let head = entries.range("data.pkl")?;
    let pickled = pickle::read(&file[head.clone()]).map_err(|e| format!("data.pkl: {e}"))?;
    let storages = Archived {
        swapped: entries.is_big_endian(file)?,
        entries,
    };
    let tensors = state_dict::read(&pickled, &storages)?;
    Ok(Contents { tensors, head })
}

/// Where the entries of an archive are.
struct Entries {
    /// The folder that all are in.
    folder: String,
    found: HashMap<String, Result<Range<usize>, String>>,
}

impl Entries {
    fn read(file: &[u8]) -> Result<Self, String> {
        let wrong = |error| format!("truncated, or not a zip archive: {error}");
        let mut archive = ZipArchive::new(Cursor::new(file)).map_err(wrong)?;
        let count = archive.len();
        if count > MOST_ENTRIES {
            return Err(format!(
                "{count} entries are too many, at most {MOST_ENTRIES} are read"
            ));
        }
        if archive.has_duplicate_names() {
            return Err("two entries of the archive have the same name".to_owned());
        }
        if archive.has_overlapping_entries().map_err(wrong)? {
            return Err("entries of the archive overlap".to_owned());
        }
        let mut found = HashMap::new();
        for index in 0..count {
            let entry = archive.by_index_raw(index).map_err(wrong)?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let plain = entry.compression() == CompressionMethod::Stored
                && !entry.encrypted()
                && entry.compressed_size() == entry.size();
            let range = within(entry.data_start(), entry.size(), file.len());
            let range = match (plain, range) {
                (false, _) => Err("is compressed or encrypted, PyTorch stores it plainly"),
                (true, None) => Err("reaches beyond the end of the file"),
                (true, Some(range)) => Ok(range),
            };
            found.insert(name, range.map_err(str::to_owned));
        }
        let folder = folder(&found)?;
        Ok(Entries { folder, found })
    }

    /// The bytes of an entry.
    fn range(&self, name: &str) -> Result<Range<usize>, String> {
        let name = format!("{}{name}", self.folder);
        match self.found.get(&name) {
            Some(Ok(range)) => Ok(range.clone()),
            Some(Err(reason)) => Err(format!("entry `{}` {reason}", shown::name(&name))),
            None => Err(format!(
                "the archive holds no entry `{}`",
                shown::name(&name)
            )),
        }
    }

    fn is_big_endian(&self, file: &[u8]) -> Result<bool, String> {
        if !self
            .found
            .contains_key(&format!("{}byteorder", self.folder))
        {
            return Ok(false); // Before 2.1 only little-endian machines wrote archives.
        }
        match &file[self.range("byteorder")?] {
            b"little" => Ok(false),
            b"big" => Ok(true),
            other => Err(format!(
                "the byte order is `{}`, must be little or big",
                shown::name(&String::from_utf8_lossy(&other[..other.len().min(16)]))
            )),
        }
    }
}

fn within(start: Option<u64>, size: u64, end: usize) -> Option<Range<usize>> {
    let start = usize::try_from(start?).ok()?;
    let stop = start.checked_add(usize::try_from(size).ok()?)?;
    (stop <= end).then_some(start..stop)
}

/// The folder that holds `data.pkl`.
fn folder<T>(found: &HashMap<String, T>) -> Result<String, String> {
    let folders = found
        .keys()
        .filter_map(|name| name.strip_suffix("data.pkl"));
    let folders: Vec<&str> = folders
        .filter(|folder| folder.is_empty() || folder.ends_with('/'))
        .collect();
    let [folder] = folders.as_slice() else {
        return Err(format!(
            "not a PyTorch checkpoint: {} entries of the zip archive are a data.pkl",
            folders.len()
        ));
    };
    if found.contains_key(&format!("{folder}constants.pkl")) {
        return Err(
            "is a TorchScript archive, which is a program: name it as --model, or save the \
             module's state_dict() for --weights"
                .to_owned(),
        );
    }
    Ok((*folder).to_owned())
}

struct Archived {
    entries: Entries,
    swapped: bool,
}

impl Storages for Archived {
    fn bytes(&self, key: &str, _: &'static Scalar) -> Result<Bytes, String> {
        Ok(Bytes {
            range: self.entries.range(&format!("data/{key}"))?,
            swapped: self.swapped,
        })
    }
}
