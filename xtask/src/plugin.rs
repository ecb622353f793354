//! `--plugin`: a `nongemm` with crates that this workspace has never seen.
//!
//! Writes a crate of its own that links them, `target/plugins/HASH`, where the hash is that of what is written,
//! and builds it into the workspace's target folder, so that nothing is compiled twice.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::nongemm;
use crate::process::{cargo, check, root};
use crate::setup;

/// The flag.
const FLAG: &str = "--plugin";

/// Where a crate is: what stands behind its name in `[dependencies]`.
#[derive(Clone, Debug, PartialEq)]
struct Plugin {
    package: String,
    source: String,
}

/// Takes `--plugin X` and `--plugin=X` out of the arguments.
///
/// # Errors
/// When the flag is the last argument.
pub(crate) fn take(args: &[String]) -> Result<(Vec<String>, Vec<String>)> {
    let (mut plugins, mut rest) = (Vec::new(), Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == FLAG {
            let value = args.next();
            let value =
                value.with_context(|| format!("{FLAG} takes a folder, NAME@VERSION or a URL"))?;
            plugins.push(value.clone());
        } else if let Some(value) = arg.strip_prefix("--plugin=") {
            plugins.push(value.to_owned());
        } else {
            rest.push(arg.clone());
        }
    }
    Ok((plugins, rest))
}

/// Builds `nongemm` with plugins and features, and returns the binary.
///
/// # Errors
/// When a plugin is not found, or the build fails.
pub(crate) fn build(plugins: &[String], features: &[&str]) -> Result<PathBuf> {
    let plugins = plugins.iter().map(|text| Plugin::parse(text));
    let plugins = plugins.collect::<Result<Vec<_>>>()?;
    ensure!(
        !features.contains(&"cuda"),
        "{FLAG} does not go with CUDA kernels of candle yet; leave out --device cuda:N or the backend candle"
    );
    let target = nongemm::target_dir()?;
    let uses = (0..plugins.len()).map(|i| format!("use plugin_{i} as _;\n"));
    let mut files = vec![
        ("Cargo.toml", manifest(&plugins, features)?),
        (
            "src/main.rs",
            format!(
                "{}\nfn main() -> std::process::ExitCode {{\n    nongemm_cli::main()\n}}\n",
                uses.collect::<String>()
            ),
        ),
    ];
    let mut build = cargo();
    if features.contains(&"ort") {
        setup::onnxruntime()?;
    }
    if features.contains(&"torch") {
        let libtorch = setup::libtorch()?;
        // As nongemm-cli's own build script does for its binary.
        let link = format!(
            "cargo::rustc-link-arg=-Wl,-rpath,{}",
            libtorch.join("lib").display()
        );
        let script = format!("fn main() {{\n    println!({link:?});\n}}\n");
        files.push(("build.rs", script));
        build.env("LIBTORCH", libtorch);
    }
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    let name = format!("nongemm-{:016x}", hasher.finish());
    let folder = target.join("plugins").join(&name);
    write(&folder, &name, &files).with_context(|| format!("cannot write {}", folder.display()))?;
    build
        .current_dir(&folder)
        .args(["build", "--release", "--target-dir"])
        .arg(&target);
    check(&mut build)?;
    Ok(target.join("release").join(name))
}

/// What stands for the crate's name until its contents are hashed.
const NAME: &str = "@NAME@";

fn write(folder: &Path, name: &str, files: &[(&str, String)]) -> Result<()> {
    fs::create_dir_all(folder.join("src"))?;
    for (file, text) in files {
        fs::write(folder.join(file), text.replace(NAME, name))?;
    }
    // The same versions as here; what the plugins need beside them is added.
    let lock = folder.join("Cargo.lock");
    if !lock.is_file() {
        fs::copy(root().join("Cargo.lock"), lock)?;
    }
    Ok(())
}

fn manifest(plugins: &[Plugin], features: &[&str]) -> Result<String> {
    let root = root();
    let own = fs::read_to_string(root.join("Cargo.toml"))?;
    let own: toml::Table = own.parse().context("the workspace's Cargo.toml")?;
    let mut text = format!(
        "[package]\nname = \"{NAME}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [workspace]\n\n[dependencies]\n"
    );
    let cli = root.join("nongemm-cli");
    text += &match features {
        [] => format!("nongemm-cli = {{ path = {cli:?} }}\n"),
        some => format!(
            "nongemm-cli = {{ path = {cli:?}, default-features = false, features = {some:?} }}\n"
        ),
    };
    for (i, plugin) in plugins.iter().enumerate() {
        let Plugin { package, source } = plugin;
        text += &format!("plugin_{i} = {{ package = {package:?}, {source} }}\n");
    }
    // A plugin that names a published release of these crates gets the ones here.
    text += "\n[patch.crates-io]\n";
    for (name, dependency) in table(&own, &["workspace", "dependencies"])? {
        if let Some(path) = dependency.get("path").and_then(toml::Value::as_str) {
            text += &format!("{name} = {{ path = {:?} }}\n", root.join(path));
        }
    }
    let profile = table(&own, &["profile", "release"])?;
    text += &format!("\n[profile.release]\n{}", toml::to_string(profile)?);
    Ok(text)
}

fn table<'a>(of: &'a toml::Table, path: &[&str]) -> Result<&'a toml::Table> {
    path.iter().try_fold(of, |table, key| {
        let inner = table.get(*key).and_then(toml::Value::as_table);
        inner.with_context(|| format!("no table `{key}`"))
    })
}

impl Plugin {
    fn parse(text: &str) -> Result<Self> {
        if text.contains("://") || text.starts_with("git@") {
            return Ok(Self::git(text));
        }
        let folder = Path::new(text);
        if folder.is_dir() {
            return Self::folder(folder);
        }
        match text.split_once('@') {
            Some((name, version)) if !name.contains('/') && !version.is_empty() => Ok(Plugin {
                package: name.to_owned(),
                source: format!("version = \"={version}\""),
            }),
            _ => bail!(
                "{FLAG} {text} is no folder with a crate, no NAME@VERSION and no URL of a git repository"
            ),
        }
    }

    /// `URL#NAME`; without a name the crate is called as the repository is.
    fn git(text: &str) -> Self {
        let (url, name) = text.split_once('#').unwrap_or((text, ""));
        let last = url.trim_end_matches('/').rsplit(['/', ':']).next();
        let last = last.unwrap_or_default().trim_end_matches(".git");
        Plugin {
            package: if name.is_empty() { last } else { name }.to_owned(),
            source: format!("git = {url:?}"),
        }
    }

    fn folder(folder: &Path) -> Result<Self> {
        let file = folder.join("Cargo.toml");
        let text = fs::read_to_string(&file);
        let text = text.with_context(|| format!("{FLAG}: cannot read {}", file.display()))?;
        let manifest: toml::Table = text
            .parse()
            .with_context(|| format!("{FLAG}: {}", file.display()))?;
        let name = table(&manifest, &["package"])?.get("name");
        let name = name.and_then(toml::Value::as_str);
        let name = name.with_context(|| format!("{FLAG}: {} names no package", file.display()))?;
        Ok(Plugin {
            package: name.to_owned(),
            source: format!("path = {:?}", folder.canonicalize()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn the_flag_is_taken_out() {
        let args = strings(&["bench", "--plugin", "a@1.0.0", "--seq", "8", "--plugin=b"]);
        let (plugins, rest) = take(&args).unwrap();
        assert_eq!(plugins, ["a@1.0.0", "b"]);
        assert_eq!(rest, ["bench", "--seq", "8"]);
        assert!(take(&strings(&["bench", "--plugin"])).is_err());
    }

    #[test]
    fn sources_are_told_apart() {
        let of = |text| Plugin::parse(text).map(|plugin| (plugin.package, plugin.source));
        let registry = of("thing@1.2.3").unwrap();
        assert_eq!(registry, ("thing".into(), "version = \"=1.2.3\"".into()));
        let url = "https://example.org/me/thing.git";
        let git = of(url).unwrap();
        assert_eq!(git, ("thing".into(), format!("git = {url:?}")));
        let named = of("https://example.org/me/many#one").unwrap();
        let source = "git = \"https://example.org/me/many\"".to_owned();
        assert_eq!(named, ("one".into(), source));
        let here = root().join("examples").join("plugin");
        let (package, _) = of(here.to_str().unwrap()).unwrap();
        assert_eq!(package, "nongemm-plugin-example");
        let error = of("nowhere").unwrap_err().to_string();
        assert!(error.contains("nowhere is no folder"), "{error}");
    }

    #[test]
    fn the_manifest_reads_back() {
        let plugin = Plugin::parse("thing@1.2.3").unwrap();
        let text = manifest(&[plugin], &["candle"]).unwrap();
        let read: toml::Table = text.parse().unwrap();
        let dependencies = table(&read, &["dependencies"]).unwrap();
        assert!(dependencies.contains_key("plugin_0"));
        let patched = table(&read, &["patch", "crates-io"]).unwrap();
        assert!(patched.contains_key("nongemm-core"));
    }
}
