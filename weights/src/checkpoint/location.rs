//! Which files a location means: one file, a folder, or an index with its shards.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail, ensure};
use nongemm_core::plugin::{Claim, WeightFormat};
use serde::Deserialize;

use super::{Kind, shown};
use crate::synthetic::Synthetic;

/// The longest index that is read. That of a model with a million tensors is shorter.
const LONGEST_INDEX: u64 = 256 << 20;

/// Bytes from which a file's format is told where its name does not say it.
const START: u64 = 16;

/// How sure a format is of a location. A folder that is called `synthetic` does not hide the synthetic
/// weights.
pub(super) fn claim(kind: &Kind, location: &str) -> Claim {
    if Synthetic.claim(location) != Claim::No {
        return Claim::No;
    }
    let path = Path::new(location);
    if path.is_dir() {
        let holds = path.join(kind.single).exists() || path.join(kind.index).exists();
        return if holds { kind.in_folder } else { Claim::No };
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    let named = extension.is_some_and(|extension| kind.extensions.contains(&extension));
    if (named && !has_scheme(location)) || location.ends_with(kind.index_ending) {
        return Claim::Sure;
    }
    match start(path) {
        Some(start) if (kind.starts)(&start) => Claim::Able,
        _ => Claim::No,
    }
}

/// Whether a location is a path that nothing else is known about: a folder, a file without extension (a
/// cache's blob, named by its hash), or nothing that is there.
pub(crate) fn is_path(location: &str) -> bool {
    let path = Path::new(location);
    let blank = path.is_dir() || path.extension().is_none() || !path.exists();
    blank && !has_scheme(location) && Synthetic.claim(location) == Claim::No
}

/// The first bytes of a file.
fn start(path: &Path) -> Option<Vec<u8>> {
    // Not of a pipe, which would wait for a writer.
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut start = Vec::new();
    let file = File::open(path).ok()?;
    file.take(START).read_to_end(&mut start).ok()?;
    Some(start)
}

/// Whether a location starts like `hf:` or `https:`: another format's.
fn has_scheme(location: &str) -> bool {
    let scheme = location.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.len() > 1
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// The files of a checkpoint.
#[derive(Debug)]
pub(super) enum Files {
    /// One file with all tensors.
    Single(PathBuf),
    /// Shards.
    Sharded {
        /// The index.
        index: PathBuf,
        /// The shard that holds each tensor, as a position in `shards`.
        tensors: BTreeMap<String, usize>,
        /// The shards.
        shards: Vec<PathBuf>,
    },
}

/// Finds the files of a location.
///
/// # Errors
/// When there are none, or the index is wrong; one line that names the file.
pub(super) fn find(kind: &Kind, location: &Path) -> anyhow::Result<Files> {
    let name = location.display();
    let info = fs::metadata(location).with_context(|| format!("cannot read weights {name}"))?;
    if !info.is_dir() {
        let path = location.to_str();
        return match path.is_some_and(|path| path.ends_with(kind.index_ending)) {
            true => read_index(kind, location),
            false => Ok(Files::Single(location.to_owned())),
        };
    }
    let single = location.join(kind.single);
    if single.exists() {
        return Ok(Files::Single(single));
    }
    let index = location.join(kind.index);
    if index.exists() {
        return read_index(kind, &index);
    }
    let known = crate::KINDS
        .iter()
        .flat_map(|kind| [kind.single, kind.index]);
    let known: Vec<&str> = known.collect();
    bail!(
        "{name} holds none of {}; name the file itself if it is called otherwise",
        known.join(", ")
    )
}

/// The shards that an index names, beside it.
///
/// # Errors
/// When it is no index, or names a shard elsewhere.
pub(crate) fn shards(kind: &Kind, index: &Path) -> anyhow::Result<Vec<PathBuf>> {
    match read_index(kind, index)? {
        Files::Sharded { shards, .. } => Ok(shards),
        Files::Single(file) => Ok(vec![file]),
    }
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

fn read_index(kind: &Kind, index: &Path) -> anyhow::Result<Files> {
    let name = index.display();
    let info = fs::metadata(index).with_context(|| format!("cannot read {name}"))?;
    ensure!(info.is_file(), "{name} is not a file");
    ensure!(
        info.len() <= LONGEST_INDEX,
        "{name} is {} bytes long, an index has at most {LONGEST_INDEX}",
        info.len()
    );
    let text = fs::read(index).with_context(|| format!("cannot read {name}"))?;
    let read: Index = serde_json::from_slice(&text)
        .with_context(|| format!("{name} is not an index of {}", kind.files))?;
    let folder = index.parent().unwrap_or(Path::new(""));
    let shards: BTreeSet<&String> = read.weight_map.values().collect();
    for shard in &shards {
        ensure!(
            is_inside(shard),
            "{name} names the shard `{}`, which is not in its folder",
            shown::name(shard)
        );
    }
    let positions: BTreeMap<&String, usize> = shards
        .iter()
        .enumerate()
        .map(|(i, shard)| (*shard, i))
        .collect();
    Ok(Files::Sharded {
        tensors: read
            .weight_map
            .iter()
            .map(|(tensor, shard)| (tensor.clone(), positions[shard]))
            .collect(),
        shards: shards.iter().map(|shard| folder.join(shard)).collect(),
        index: index.to_owned(),
    })
}

/// Whether a path leads to the index's own folder or below, as far as its text tells. A link in that
/// folder may lead elsewhere: caches of checkpoints are built of links.
fn is_inside(shard: &str) -> bool {
    let mut parts = Path::new(shard).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}
