//! `cargo xtask new-plugin NAME --kind KIND`: a crate that registers a plugin and tests itself.
//!
//! The plugins are the files of `templates/`, real Rust, in which `my-plugin`, `my_plugin` and `MyPlugin` stand for
//! the name.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use crate::plugin;
use crate::process::root;

/// A kind of plugin, and what its template depends on beside the core.
struct Kind {
    name: &'static str,
    template: &'static str,
    dependencies: &'static [&'static str],
    /// Dependencies of its tests: crates with features.
    tests: &'static [(&'static str, &'static str)],
}

macro_rules! kind {
    ($name:literal, $dependencies:expr, $tests:expr) => {
        Kind {
            name: $name,
            template: include_str!(concat!("../templates/", $name, ".rs")),
            dependencies: $dependencies,
            tests: $tests,
        }
    };
}

const CONFORMANCE: (&str, &str) = ("nongemm-core", "conformance");

const KINDS: &[Kind] = &[
    kind!("model", &["nongemm-datasets", "nongemm-operators"], &[]),
    kind!(
        "operator",
        &[
            "anyhow",
            "candle-core",
            "nongemm-candle",
            "nongemm-operators",
            "serde"
        ],
        &[CONFORMANCE]
    ),
    kind!(
        "backend",
        &["anyhow", "nongemm-operators"],
        &[CONFORMANCE, ("nongemm-operators", "golden")]
    ),
    kind!("probe", &["anyhow"], &[]),
    kind!("dataset", &["anyhow"], &[]),
    kind!("reporter", &["anyhow"], &[]),
    kind!("classifier", &[], &[]),
];

/// Writes the crate into a folder of its name.
///
/// # Errors
/// When the name or the kind is none, or the folder is there already.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let (name, kind) = parse(args)?;
    let folder = std::env::current_dir()?.join(&name);
    write(&folder, &name, kind)?;
    eprintln!(
        "wrote {0}; try it:\n  cargo test --manifest-path {name}/Cargo.toml\n  \
         cargo xtask list {1}s --plugin {name}",
        folder.display(),
        kind.name
    );
    Ok(ExitCode::SUCCESS)
}

fn parse(args: &[String]) -> Result<(String, &'static Kind)> {
    let (mut name, mut kind) = (None, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.split_once('=') {
            None if arg == "--kind" => {
                kind = Some(args.next().context("--kind takes a kind")?.clone());
            }
            Some(("--kind", value)) => kind = Some(value.to_owned()),
            _ if arg.starts_with('-') => bail!("unknown flag {arg}; known: --kind"),
            _ if name.is_some() => bail!("one name at a time, not also `{arg}`"),
            _ => name = Some(arg.clone()),
        }
    }
    let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    let known = known.join(", ");
    let usage = || format!("usage: cargo xtask new-plugin NAME --kind KIND; kinds: {known}");
    let (name, kind) = (name.with_context(usage)?, kind.with_context(usage)?);
    check_name(&name)?;
    let found = KINDS.iter().find(|known| known.name == kind);
    let found = found.with_context(|| format!("unknown kind `{kind}`; known: {known}"))?;
    Ok((name, found))
}

/// Ids and crates are called in kebab-case.
fn check_name(name: &str) -> Result<()> {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    ensure!(
        name.split('-').all(word),
        "`{name}` is no name; use lower-case words with hyphens between, such as `my-sensor`"
    );
    Ok(())
}

fn write(folder: &Path, name: &str, kind: &Kind) -> Result<()> {
    ensure!(
        !folder.exists(),
        "{} is there already; choose another name",
        folder.display()
    );
    let manifest = manifest(name, kind)?;
    let source = folder.join("src");
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(&source)?;
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::write(source.join("lib.rs"), named(kind.template, name))?;
        // The same versions as here, so that nothing is compiled twice; cargo drops what is not needed.
        fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).map(|_| ())
    };
    write().with_context(|| format!("cannot write {}", folder.display()))
}

/// The template with the plugin's own name.
fn named(template: &str, name: &str) -> String {
    let id = name.strip_prefix("nongemm-").unwrap_or(name);
    let upper = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    let camel: String = id.split('-').map(upper).collect();
    template
        .replace("my-plugin", id)
        .replace("my_plugin", &id.replace('-', "_"))
        .replace("MyPlugin", &camel)
}

fn manifest(name: &str, kind: &Kind) -> Result<String> {
    let own = plugin::workspace()?;
    let versions = plugin::table(&own, &["workspace", "dependencies"])?;
    let found = |name: &str| {
        versions
            .get(name)
            .with_context(|| format!("no version of {name}"))
    };
    let mut text = format!(
        "[package]\nname = \"{name}\"\ndescription = \"A {} for nongemm\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\n",
        kind.name
    );
    let mut all = [kind.dependencies, &["nongemm-core"]].concat();
    all.sort_unstable();
    for name in &all {
        text += &format!("{name} = {}\n", release(found(name)?, None));
    }
    if !kind.tests.is_empty() {
        text += "\n[dev-dependencies]\n";
    }
    for (name, feature) in kind.tests {
        text += &format!("{name} = {}\n", release(found(name)?, Some(*feature)));
    }
    // Apart from any workspace that the folder lies in. What is measured lives in dependencies: they are
    // optimised even in a debug build.
    text += "\n[workspace]\n\n[profile.dev.package.\"*\"]\nopt-level = 3\ndebug = false\n\n\
             # This clone of nongemm; without these lines, its published releases.\n[patch.crates-io]\n";
    for name in &all {
        text.extend(plugin::patch(name, found(name)?));
    }
    Ok(text)
}

/// What stands for a release in `[dependencies]`.
fn release(dependency: &toml::Value, feature: Option<&str>) -> String {
    let version = match dependency {
        toml::Value::String(version) => Some(version.as_str()),
        other => other.get("version").and_then(toml::Value::as_str),
    };
    let version = format!("{:?}", version.unwrap_or("*"));
    match (dependency.get("features"), feature) {
        (_, Some(feature)) => format!("{{ version = {version}, features = [{feature:?}] }}"),
        (Some(features), None) => format!("{{ version = {version}, features = {features} }}"),
        (None, None) => version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    fn error(args: &[&str]) -> String {
        let parsed = parse(&strings(args)).map(|_| ());
        parsed.unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(error(&[]).starts_with("usage: cargo xtask new-plugin NAME --kind"));
        assert!(error(&["rack"]).contains("kinds: model, operator, backend, probe"));
        assert!(error(&["rack", "--kind", "sensor"]).contains("unknown kind `sensor`"));
        assert!(error(&["Rack_1", "--kind=probe"]).contains("`Rack_1` is no name"));
        assert!(error(&["a", "b", "--kind=probe"]).contains("not also `b`"));
        assert!(error(&["a", "--sort=probe"]).contains("unknown flag --sort=probe"));
    }

    #[test]
    fn names_are_spelled_as_each_place_wants_them() {
        let text = named("my-plugin my_plugin MyPlugin", "nongemm-rack-2u");
        assert_eq!(text, "rack-2u rack_2u Rack2u");
    }

    /// Whether they compile and pass their tests, `tests/new_plugin/main.rs` tells.
    #[test]
    fn every_kind_is_written_and_no_placeholder_is_left() {
        let folder = tempfile::tempdir().unwrap();
        for kind in KINDS {
            let name = format!("one-{}", kind.name);
            let path = folder.path().join(&name);
            write(&path, &name, kind).unwrap();
            let source = fs::read_to_string(path.join("src/lib.rs")).unwrap();
            assert!(source.starts_with("//! The "), "{name}");
            for placeholder in ["my-plugin", "my_plugin", "MyPlugin"] {
                assert!(!source.contains(placeholder), "{name}: {placeholder}");
            }
            let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap();
            let manifest: toml::Table = manifest.parse().unwrap();
            assert_eq!(manifest["package"]["name"].as_str(), Some(name.as_str()));
            let again = write(&path, &name, kind).unwrap_err().to_string();
            assert!(again.contains("is there already"), "{again}");
        }
    }
}
