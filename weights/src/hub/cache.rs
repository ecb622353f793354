//! What of a checkpoint is in the cache.

use std::fs;
use std::path::{Path, PathBuf};

use hf_hub::Cache;

use super::Location;
use crate::KINDS;
use crate::checkpoint::shards;

/// The snapshot of a revision, if there is one: that which the branch or tag stands for, or that of the commit.
pub(crate) fn snapshot(cache: &Cache, location: &Location) -> Option<PathBuf> {
    let named = cache.path().join(location.repo().folder_name());
    let commit = fs::read_to_string(named.join("refs").join(&location.revision));
    let commit = commit.unwrap_or_else(|_| location.revision.clone());
    of_commit(cache, location, commit.trim()).filter(|folder| folder.is_dir())
}

/// Where the files of a commit lie. What is no commit, whoever says it is one, has no folder.
pub(crate) fn of_commit(cache: &Cache, location: &Location, commit: &str) -> Option<PathBuf> {
    let is_commit = !commit.is_empty() && commit.chars().all(|c| c.is_ascii_hexdigit());
    is_commit.then(|| cache.repo(location.repo()).pointer_path(commit))
}

/// Whether it is known of each of these files that a snapshot has it, or that the hub has none.
pub(crate) fn settled(folder: &Path, names: &[&str]) -> bool {
    let known = |name: &&str| {
        let marked = marker(folder, name).is_some_and(|marker| marker.exists());
        marked || folder.join(name).exists()
    };
    names.iter().all(known)
}

/// Notes that the hub has no such file, where Python's library notes it too. A note that cannot be written costs
/// a question the next time.
pub(crate) fn note_absent(folder: &Path, name: &str) {
    if let Some(marker) = marker(folder, name) {
        marker.parent().map(fs::create_dir_all);
        fs::write(marker, "").ok();
    }
}

/// `.no_exist/COMMIT/NAME` beside `snapshots/COMMIT`.
fn marker(folder: &Path, name: &str) -> Option<PathBuf> {
    let commit = folder.file_name()?;
    let repo = folder.parent()?.parent()?;
    Some(repo.join(".no_exist").join(commit).join(name))
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
