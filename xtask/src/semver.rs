//! Whether the public interfaces keep what the last release promised.

use std::process::Command;

use anyhow::{Context, Result};

use crate::package;
use crate::process::{check, root};
use crate::test::tool;

/// Compares the crates with the last release's; without a release there is nothing to keep.
pub(crate) fn stage() -> Result<()> {
    let Some(tag) = last_release()? else {
        eprintln!("== semver: no tag v* yet, so that there is no release to compare with");
        return Ok(());
    };
    let tool = tool("cargo-semver-checks", "0.51.0")?;
    let mut checks = Command::new(tool);
    checks.current_dir(root());
    checks.args(["semver-checks", "--workspace", "--baseline-rev", &tag]);
    // Nobody depends on those; the last one needs libtorch to be compiled.
    for krate in package::OWN.into_iter().chain([package::TORCH]) {
        checks.args(["--exclude", krate]);
    }
    check(&mut checks)
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
