//! What of a checkpoint is in the cache.

use std::fs;
use std::path::{Path, PathBuf};

use hf_hub::Cache;

use super::Location;
use crate::KINDS;
use crate::checkpoint::shards;

/// The snapshot of a revision, if there is one: that which the branch or tag stands for, or that of the commit.
pub(crate) fn snapshot(cache: &Cache, location: &Location) -> Option<PathBuf> {
    let repo = cache.repo(location.repo());
    let named = cache.path().join(location.repo().folder_name());
    let commit = fs::read_to_string(named.join("refs").join(&location.revision));
    let commit = commit.unwrap_or_else(|_| location.revision.clone());
    let commit = commit.trim();
    let is_commit = !commit.is_empty() && commit.chars().all(|c| c.is_ascii_hexdigit());
    let folder = repo.pointer_path(commit);
    (is_commit && folder.is_dir()).then_some(folder)
}

/// Whether a folder holds all files of a checkpoint: one file, or an index and its shards.
pub(crate) fn complete(folder: &Path) -> bool {
    KINDS.iter().any(|kind| {
        folder.join(kind.single).exists() || {
            let index = folder.join(kind.index);
            let shards = index.exists().then(|| shards(kind, &index).ok()).flatten();
            shards.is_some_and(|shards| shards.iter().all(|shard| shard.exists()))
        }
    })
}
