//! The HTML report in a browser: fetches one where there is none, makes a page as large as that of the
//! paper's suite, and uses it as a reader does.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::cache;
use crate::process::{cargo, check, root};

/// Names of browsers on the path, the most likely first.
const BROWSERS: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome-headless-shell",
];

/// Runs and operators of the page.
const SIZE: [&str; 2] = ["200", "1500"];

/// Makes the page and checks it. Without Node.js and npm there is nothing to drive a browser with: the
/// stage says so and is skipped.
pub(crate) fn run() -> Result<()> {
    for tool in ["node", "npm"] {
        if !answers(tool) {
            eprintln!(
                "skipped: `{tool}` is not on the path; install Node.js 20 or later to test the HTML report in a browser"
            );
            return Ok(());
        }
    }
    let packages = packages()?;
    let page = packages.join("report.html");
    check(
        cargo()
            .args(["run", "--quiet", "--locked", "--package", "nongemm-report"])
            .args(["--example", "suite", "--", "page"])
            .arg(&page)
            .args(SIZE),
    )?;
    let script = root().join("report/tests/browser/check.mjs");
    let mut node = Command::new("node");
    node.arg(script).arg(&page).arg(&packages).arg(browser());
    // The packaged browser unpacks itself into the folder for temporary files.
    check(node.env("TMPDIR", &packages))
}

/// A browser: that of `NONGEMM_CHROMIUM`, one on the path, or `-` for the packaged one.
fn browser() -> PathBuf {
    if let Some(own) = std::env::var_os("NONGEMM_CHROMIUM").filter(|value| !value.is_empty()) {
        return own.into();
    }
    let found = BROWSERS.iter().find(|name| answers(name));
    found.copied().map_or_else(|| "-".into(), on_path)
}

/// Where a program on the path is: the driver wants a path.
fn on_path(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let files = std::env::split_paths(&path).map(|folder| folder.join(name));
    let mut there = files.filter(|file| file.is_file());
    there.next().unwrap_or_else(|| name.into())
}

fn answers(program: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The folder with the packages that the script needs; fetched on first use (about 130 MB, most of it
/// Chromium).
fn packages() -> Result<PathBuf> {
    let folder = cache::dir()?.join("browser");
    let source = root().join("report/tests/browser");
    let lock = |folder: &Path| std::fs::read(folder.join("package-lock.json")).ok();
    if folder.join("installed").is_file() && lock(&folder) == lock(&source) {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(source.join(name), folder.join(name))
            .with_context(|| format!("cannot copy {name} to {}", folder.display()))?;
    }
    eprintln!("fetching Chromium and its driver from npm");
    check(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&folder),
    )?;
    std::fs::write(folder.join("installed"), b"")
        .with_context(|| format!("cannot write into {}", folder.display()))?;
    Ok(folder)
}
