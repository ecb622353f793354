//! `--plugin`: a `nongemm` with crates that this workspace has never seen.
//!
//! Writes a crate of its own that links them, `target/plugins/HASH`, where the hash is that of what is written,
//! and builds it into the workspace's target folder, so that nothing is compiled twice.

mod source;

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::nongemm;
use crate::process::{cargo, check, root};

use self::source::Plugin;

/// The flag.
const FLAG: &str = "--plugin";

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
    ensure!(
        !features.contains(&"cuda"),
        "{FLAG} does not go with CUDA kernels of candle yet; leave out --device cuda:N or the backend candle"
    );
    let plugins = plugins.iter().map(|text| Plugin::parse(text));
    let plugins = plugins.collect::<Result<Vec<_>>>()?;
    let target = nongemm::target_dir()?;
    let libtorch = nongemm::libraries(features)?;
    // As nongemm-cli's own build script does for its binary.
    let script = libtorch.as_ref().map(|libtorch| {
        let lib = libtorch.join("lib");
        let link = format!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
        format!("fn main() {{\n    println!({link:?});\n}}\n")
    });
    let mut build = cargo();
    build.envs(libtorch.map(|folder| ("LIBTORCH", folder)));
    let folder = compose(&target.join("plugins"), &plugins, features, script)?;
    resolve(&folder)?;
    build
        .current_dir(&folder)
        .args(["build", "--release", "--target-dir"])
        .arg(&target);
    check(&mut build)?;
    let name = folder.file_name().unwrap_or_default();
    Ok(target.join("release").join(name))
}

/// Writes the crate that links the plugins, under the hash of what is in it.
fn compose(
    place: &Path,
    plugins: &[Plugin],
    features: &[&str],
    script: Option<String>,
) -> Result<PathBuf> {
    let uses = (0..plugins.len()).map(|i| format!("use plugin_{i} as _;\n"));
    let main = format!(
        "{}\nfn main() -> std::process::ExitCode {{\n    nongemm_cli::main()\n}}\n",
        uses.collect::<String>()
    );
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    let mut files = vec![
        ("Cargo.toml", manifest(plugins, features)?),
        ("src/main.rs", main),
    ];
    files.extend(script.map(|script| ("build.rs", script)));
    let mut hasher = DefaultHasher::new();
    (&files, &lock).hash(&mut hasher);
    let name = format!("nongemm-{:016x}", hasher.finish());
    let folder = place.join(&name);
    write(&folder, &name, &files, &lock)
        .with_context(|| format!("cannot write {}", folder.display()))?;
    Ok(folder)
}

/// Finds a version of everything, before anything is compiled.
///
/// # Errors
/// One line that says what does not go together.
fn resolve(folder: &Path) -> Result<()> {
    let mut metadata = cargo();
    metadata
        .current_dir(folder)
        .args(["metadata", "--quiet", "--format-version=1"]);
    let output = metadata.output().context("cannot run cargo metadata")?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{}", explain(&String::from_utf8_lossy(&output.stderr)))
}

/// What cargo says of plugins that do not go with this version of nongemm, or of anything else, as one line.
fn explain(stderr: &str) -> String {
    let lines = stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let text = lines.collect::<Vec<_>>().join("; ");
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let quoted = |after: &str| {
        let rest = text.split(after).nth(1)?;
        rest.split('`').next().map(str::to_owned)
    };
    let wanted = quoted("for the requirement `").filter(|wanted| wanted.starts_with("nongemm-"));
    let other = text.contains("links to the native library `nongemm-core`");
    let wanted = wanted.or_else(|| other.then(|| "another nongemm-core".to_owned()));
    match (wanted, quoted("required by package `")) {
        (Some(wanted), Some(package)) => format!(
            "{FLAG}: the crate {package} is built against {wanted}, and this is nongemm {}; take a release of it that \
             goes with this one",
            env!("CARGO_PKG_VERSION")
        ),
        _ => format!("{FLAG}: {text}"),
    }
}

/// What stands for the crate's name until its contents are hashed.
const NAME: &str = "@NAME@";

fn write(folder: &Path, name: &str, files: &[(&str, String)], lock: &str) -> Result<()> {
    fs::create_dir_all(folder.join("src"))?;
    for (file, text) in files {
        fs::write(folder.join(file), text.replace(NAME, name))?;
    }
    // The same versions as here; what the plugins need beside them is added.
    let path = folder.join("Cargo.lock");
    if !path.is_file() {
        fs::write(path, lock)?;
    }
    Ok(())
}

fn manifest(plugins: &[Plugin], features: &[&str]) -> Result<String> {
    let own = workspace()?;
    let mut text = format!(
        "[package]\nname = \"{NAME}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [workspace]\n\n[dependencies]\n"
    );
    let cli = root().join("nongemm-cli");
    text += &match features {
        [] => format!("nongemm-cli = {{ path = {cli:?} }}\n"),
        some => format!(
            "nongemm-cli = {{ path = {cli:?}, default-features = false, features = {some:?} }}\n"
        ),
    };
    for (i, plugin) in plugins.iter().enumerate() {
        let Plugin {
            package, source, ..
        } = plugin;
        let own = plugin
            .features
            .iter()
            .filter(|own| features.contains(&own.as_str()));
        let own: Vec<&String> = own.collect();
        text +=
            &format!("plugin_{i} = {{ package = {package:?}, {source}, features = {own:?} }}\n");
    }
    // A plugin that names a published release of these crates gets the ones here.
    text += "\n[patch.crates-io]\n";
    for (name, dependency) in table(&own, &["workspace", "dependencies"])? {
        text.extend(patch(name, dependency));
    }
    let profile = table(&own, &["profile", "release"])?;
    text += &format!("\n[profile.release]\n{}", toml::to_string(profile)?);
    Ok(text)
}

/// The workspace's own manifest.
pub(crate) fn workspace() -> Result<toml::Table> {
    let text = fs::read_to_string(root().join("Cargo.toml"))?;
    text.parse().context("the workspace's Cargo.toml")
}

/// The line of `[patch.crates-io]` by which a crate here stands for its release.
pub(crate) fn patch(name: &str, dependency: &toml::Value) -> Option<String> {
    let path = dependency.get("path").and_then(toml::Value::as_str)?;
    Some(format!("{name} = {{ path = {:?} }}\n", root().join(path)))
}

/// The table under these keys.
pub(crate) fn table<'a>(of: &'a toml::Table, path: &[&str]) -> Result<&'a toml::Table> {
    path.iter().try_fold(of, |table, key| {
        let inner = table.get(*key).and_then(toml::Value::as_table);
        inner.with_context(|| format!("no table `{key}`"))
    })
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
    fn the_manifest_reads_back() {
        let plugin = Plugin::parse("thing@1.2.3").unwrap();
        let text = manifest(&[plugin], &["candle"]).unwrap();
        let read: toml::Table = text.parse().unwrap();
        let dependencies = table(&read, &["dependencies"]).unwrap();
        assert!(dependencies.contains_key("plugin_0"));
        let patched = table(&read, &["patch", "crates-io"]).unwrap();
        assert!(patched.contains_key("nongemm-core"));
    }

    /// A crate with nothing in it but what it depends on.
    fn krate(folder: &Path, head: &str, dependencies: &str) {
        fs::create_dir_all(folder.join("src")).unwrap();
        let manifest = format!(
            "[package]\n{head}\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n[workspace]\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        fs::write(folder.join("src/lib.rs"), "").unwrap();
    }

    /// What resolving a binary with this plugin says.
    fn resolved(place: &Path, plugin: &str) -> Result<()> {
        let plugins = [Plugin::parse(plugin)?];
        resolve(&compose(place, &plugins, &["candle"], None)?)
    }

    #[test]
    fn a_plugin_of_another_version_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let late = folder.path().join("late");
        let head = "name = \"late-plugin\"\nversion = \"0.3.0\"";
        krate(&late, head, "nongemm-core = \"0.2\"\n");
        let error = || {
            let error = resolved(folder.path(), late.to_str().unwrap());
            error.unwrap_err().to_string()
        };
        let own = env!("CARGO_PKG_VERSION");
        let named = "--plugin: the crate late-plugin v0.3.0";
        let text = error();
        assert!(text.starts_with(named), "{text}");
        let wanted =
            format!("is built against nongemm-core = \"^0.2\", and this is nongemm {own};");
        assert!(text.contains(&wanted), "{text}");
        // It brings the other release along.
        let other = folder.path().join("other");
        let head = "name = \"nongemm-core\"\nversion = \"0.2.0\"\nlinks = \"nongemm-core\"\nbuild = \"build.rs\"";
        krate(&other, head, "");
        fs::write(other.join("build.rs"), "fn main() {}\n").unwrap();
        let head = "name = \"late-plugin\"\nversion = \"0.3.0\"";
        krate(&late, head, "nongemm-core = { path = \"../other\" }\n");
        let text = error();
        assert!(text.starts_with(named), "{text}");
        assert!(
            text.contains("is built against another nongemm-core"),
            "{text}"
        );
        assert!(!text.contains('\n'), "{text}");
    }

    #[test]
    fn a_repository_is_found_by_its_address() {
        let folder = tempfile::tempdir().unwrap();
        let repository = folder.path().join("from-git");
        let head = "name = \"from-git\"\nversion = \"0.1.0\"";
        krate(&repository, head, "nongemm-core = \"0.1\"\n");
        let git = |args: &[&str]| {
            let identity = ["-c", "user.name=me", "-c", "user.email=me@example.org"];
            let mut git = std::process::Command::new("git");
            check(git.args(identity).args(args).current_dir(&repository)).unwrap();
        };
        git(&["init", "--quiet"]);
        git(&["add", "."]);
        git(&["commit", "--quiet", "--message", "a plugin"]);
        let url = format!("file://{}", repository.display());
        resolved(folder.path(), &url).unwrap();
        let error = resolved(folder.path(), &format!("{url}#other")).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("`other`") && !error.contains('\n'),
            "{error}"
        );
    }

    #[test]
    fn features_of_a_plugin_go_with_those_of_backends() {
        let plugin = Plugin {
            features: strings(&["torch", "extra"]),
            ..Plugin::parse("thing@1.2.3").unwrap()
        };
        let plain = manifest(std::slice::from_ref(&plugin), &["candle"]).unwrap();
        assert!(!plain.contains("features = [\"torch\"] }"), "{plain}");
        let torch = manifest(&[plugin], &["candle", "torch"]).unwrap();
        assert!(
            torch.contains("version = \"=1.2.3\", features = [\"torch\"] }"),
            "{torch}"
        );
    }
}
