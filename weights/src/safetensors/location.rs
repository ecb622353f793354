//! Which files a location means: one file, a folder, or an index with its shards.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::shown;

/// A checkpoint in one file.
const SINGLE: &str = "model.safetensors";

/// How the names of indices end.
const INDEX_ENDING: &str = ".safetensors.index.json";

/// The longest index that is read. That of a model with a million tensors is shorter.
const LONGEST_INDEX: u64 = 256 << 20;

/// Whether a location looks like safetensors: a folder, a file that is named like one, or a path that
/// is not there (so that the message says that, rather than that the format is unknown).
pub(super) fn is_claimed(location: &str) -> bool {
    let path = Path::new(location);
    if path.is_dir() || location.ends_with(INDEX_ENDING) {
        return true;
    }
    match path.extension() {
        Some(extension) if path.is_file() => extension == "safetensors",
        _ if path.is_file() => true, // A cache's blob, named by its hash.
        _ => !has_scheme(location),
    }
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
pub(super) fn find(location: &Path) -> anyhow::Result<Files> {
    let name = location.display();
    let info = fs::metadata(location).with_context(|| format!("cannot read weights {name}"))?;
    if !info.is_dir() {
        let is_index = location.to_str().is_some_and(|s| s.ends_with(INDEX_ENDING));
        return match is_index {
            true => read_index(location),
            false => Ok(Files::Single(location.to_owned())),
        };
    }
    let single = location.join(SINGLE);
    if single.exists() {
        return Ok(Files::Single(single));
    }
    let index = location.join(format!("model{INDEX_ENDING}"));
    ensure!(
        index.exists(),
        "{name} holds neither {SINGLE} nor model{INDEX_ENDING}; name the file itself if it is called otherwise"
    );
    read_index(&index)
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

fn read_index(index: &Path) -> anyhow::Result<Files> {
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
        .with_context(|| format!("{name} is not an index of safetensors files"))?;
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
