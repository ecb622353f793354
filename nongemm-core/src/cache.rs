//! The one folder for what is fetched or compiled once and found again.

use std::path::PathBuf;

use anyhow::Context;

/// `$NONGEMM_CACHE`, else `$XDG_CACHE_HOME/nongemm`, else `~/.cache/nongemm`. It may not exist yet.
///
/// # Errors
/// When none of the variables is set.
pub fn dir() -> anyhow::Result<PathBuf> {
    let var = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    var("NONGEMM_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|base| base.join("nongemm")))
        .or_else(|| var("HOME").map(|home| home.join(".cache").join("nongemm")))
        .context("no place for a cache: set NONGEMM_CACHE, XDG_CACHE_HOME or HOME")
}
