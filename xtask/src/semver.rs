//! Whether the public interfaces keep what the last release promised.

use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{check, root};
use crate::test::tool;

/// Compares the crates with the last release's; without a release there is nothing to keep.
pub(crate) fn stage() -> Result<()> {
    let Some(tag) = last_release()? else {
        eprintln!("== semver: no tag v* yet, so that there is no release to compare with");
        return Ok(());
    };
    let tool = tool("cargo-semver-checks", "0.51.0")?;
    check(
        Command::new(tool)
            .current_dir(root())
            .args(["semver-checks", "--workspace", "--baseline-rev", &tag])
            // Nobody depends on these; the last one needs libtorch to be compiled.
            .args(["--exclude", "xtask", "--exclude", "nongemm-perf"])
            .args(["--exclude", "nongemm-torch"]),
    )
}

fn last_release() -> Result<Option<String>> {
    let output = Command::new("git")
        .current_dir(root())
        .args([
            "tag",
            "--list",
            "v*",
            "--merged",
            "HEAD",
            "--sort=-v:refname",
        ])
        .output()
        .context("cannot run git")?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().map(str::to_owned))
}
