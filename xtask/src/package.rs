//! Crates as they are published: packed in the order of their dependencies, and compiled from what was packed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use toml::{Table, Value};

use crate::process::{cargo, check, root};
use crate::{nongemm, setup};

/// The largest file that crates.io takes.
const LARGEST: u64 = 10 << 20;

/// Members of the workspace that nobody publishes.
pub(crate) const OWN: [&str; 2] = ["xtask", "nongemm-perf"];

/// The crate that needs libtorch to compile.
pub(crate) const TORCH: &str = "nongemm-torch";

/// Packs all crates, then checks them and the example of a plugin from what was packed: a file that was left
/// out, or a dependency without a version, is an error here and not after publishing.
pub(crate) fn stage() -> Result<()> {
    let target = nongemm::target_dir()?.join("packaged");
    pack(&target, &["--no-verify"])?;
    let workspace = target.join("workspace");
    let crates = unpack(&target.join("package"), &workspace)?;
    plugin(&workspace)?;
    let manifest = manifest(&crates)?;
    fs::write(workspace.join("Cargo.toml"), manifest).context("packed workspace")?;
    fs::copy(root().join("Cargo.lock"), workspace.join("Cargo.lock"))?;
    check(
        cargo()
            .current_dir(&workspace)
            .args(["check", "--quiet", "--offline", "--workspace"])
            .args(["--exclude", TORCH])
            .env("CARGO_TARGET_DIR", nongemm::target_dir()?),
    )
}

/// Packs all crates and builds each from what was packed, as publishing would.
pub(crate) fn run() -> Result<ExitCode> {
    pack(&nongemm::target_dir()?.join("packaged"), &[])?;
    Ok(ExitCode::SUCCESS)
}

fn pack(target: &Path, flags: &[&str]) -> Result<()> {
    let _ = fs::remove_dir_all(target.join("package"));
    let mut pack = cargo();
    pack.args(["package", "--workspace", "--quiet", "--locked"]);
    // What is not committed yet is what is to be checked.
    pack.args(["--allow-dirty", "--target-dir"]).arg(target);
    for own in OWN {
        pack.args(["--exclude", own]);
    }
    if !flags.contains(&"--no-verify") {
        pack.env("LIBTORCH", setup::libtorch()?);
    }
    check(pack.args(flags))
}

/// Unpacks the files of a folder; returns the folders that they became.
fn unpack(packed: &Path, out: &Path) -> Result<Vec<String>> {
    let _ = fs::remove_dir_all(out);
    fs::create_dir_all(out)?;
    let mut crates = Vec::new();
    for entry in fs::read_dir(packed).context("packed crates")? {
        let file = entry?.path();
        if file
            .extension()
            .is_none_or(|extension| extension != "crate")
        {
            continue;
        }
        let size = file.metadata()?.len();
        ensure!(
            size <= LARGEST,
            "{} is {size} bytes; crates.io takes {LARGEST}",
            file.display()
        );
        check(
            Command::new("tar")
                .arg("-xzf")
                .arg(&file)
                .arg("-C")
                .arg(out),
        )?;
        let folder = file.file_stem().context("a crate has a name")?;
        let folder = folder.to_string_lossy().into_owned();
        described(&out.join(&folder).join("Cargo.toml"))?;
        crates.push(folder);
    }
    if crates.is_empty() {
        bail!("nothing was packed into {}", packed.display());
    }
    crates.sort();
    Ok(crates)
}

fn read(file: &Path) -> Result<Table> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    text.parse().with_context(|| file.display().to_string())
}

/// What crates.io and its readers want to know of a crate.
fn described(manifest: &Path) -> Result<()> {
    let table = read(manifest)?;
    let package = table.get("package").and_then(Value::as_table);
    let package = package.context("a packed crate has a package")?;
    for key in ["description", "license", "repository", "rust-version"] {
        ensure!(
            package.contains_key(key),
            "{}: no {key}",
            manifest.display()
        );
    }
    Ok(())
}

/// A workspace of packed crates that take each other from there, compiled as the workspace itself is.
fn manifest(crates: &[String]) -> Result<String> {
    let profile = read(&root().join("Cargo.toml"))?.remove("profile");
    let mut patches = Table::new();
    for folder in crates {
        let (name, _) = folder.rsplit_once('-').context("a crate has a version")?;
        let path = Table::from_iter([("path".to_owned(), Value::from(folder.as_str()))]);
        patches.insert(name.to_owned(), Value::Table(path));
    }
    let members = crates.iter().map(String::as_str).chain(["plugin"]);
    let workspace = Table::from_iter([
        ("resolver".to_owned(), Value::from("3")),
        (
            "members".to_owned(),
            Value::Array(members.map(Value::from).collect()),
        ),
    ]);
    let patch = Table::from_iter([("crates-io".to_owned(), Value::Table(patches))]);
    let mut table = Table::from_iter([
        ("workspace".to_owned(), Value::Table(workspace)),
        ("patch".to_owned(), Value::Table(patch)),
    ]);
    table.extend(profile.map(|profile| ("profile".to_owned(), profile)));
    Ok(toml::to_string(&table)?)
}

/// Copies the example of a plugin, which then takes published crates instead of those beside it.
fn plugin(workspace: &Path) -> Result<()> {
    let source = root().join("examples").join("plugin");
    let out = workspace.join("plugin");
    let mut manifest = read(&source.join("Cargo.toml"))?;
    for key in ["workspace", "profile"] {
        manifest.remove(key);
    }
    for kind in ["dependencies", "dev-dependencies"] {
        let dependencies = manifest.get_mut(kind).and_then(Value::as_table_mut);
        for (_, dependency) in dependencies.into_iter().flatten() {
            if let Some(table) = dependency.as_table_mut()
                && table.remove("path").is_some()
            {
                table.insert("version".to_owned(), Value::from("*"));
            }
        }
    }
    copy(&source.join("src"), &out.join("src"))?;
    fs::write(out.join("Cargo.toml"), toml::to_string(&manifest)?)?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path: PathBuf = entry?.path();
        let target = to.join(path.file_name().context("an entry has a name")?);
        match path.is_dir() {
            true => copy(&path, &target)?,
            false => drop(fs::copy(&path, &target)?),
        }
    }
    Ok(())
}
