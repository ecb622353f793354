//! The one directory for everything that is fetched: outside the clone, found again by every build.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// `$NONGEMM_CACHE`, else `$XDG_CACHE_HOME/nongemm`, else `~/.cache/nongemm`; made if missing.
pub(crate) fn dir() -> Result<PathBuf> {
    let var = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let dir = var("NONGEMM_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|base| base.join("nongemm")))
        .or_else(|| var("HOME").map(|home| home.join(".cache").join("nongemm")))
        .context("no place for a cache: set NONGEMM_CACHE, XDG_CACHE_HOME or HOME")?;
    std::fs::create_dir_all(&dir)
        .with_context(|| format!("cannot make the cache {}", dir.display()))?;
    Ok(dir)
}
