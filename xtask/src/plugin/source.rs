//! Where a plugin is: a folder, a repository, or a release in a registry.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::FLAG;

/// Where a crate is: what stands behind its name in `[dependencies]`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plugin {
    pub(super) package: String,
    pub(super) source: String,
    /// Its features, where they can be read: those that are called as backends go with these.
    pub(super) features: Vec<String>,
}

impl Plugin {
    /// From what stands behind the flag.
    ///
    /// # Errors
    /// When it is none of these.
    pub(super) fn parse(text: &str) -> Result<Self> {
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
                features: Vec::new(),
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
            features: Vec::new(),
        }
    }

    fn folder(folder: &Path) -> Result<Self> {
        let file = folder.join("Cargo.toml");
        ensure!(
            file.is_file(),
            "{FLAG} {} is no crate: it holds no Cargo.toml",
            folder.display()
        );
        let named = || format!("{FLAG}: {}", file.display());
        let text = fs::read_to_string(&file).with_context(named)?;
        let manifest: toml::Table = text.parse().with_context(named)?;
        let package = manifest
            .get("package")
            .and_then(|package| package.get("name"));
        let package = package.and_then(toml::Value::as_str);
        let package = package.with_context(|| format!("{} names no package", named()))?;
        let is_library = manifest.contains_key("lib") || folder.join("src/lib.rs").is_file();
        ensure!(
            is_library,
            "{} has no library; a plugin registers in src/lib.rs",
            named()
        );
        let features = manifest.get("features").and_then(toml::Value::as_table);
        Ok(Plugin {
            package: package.to_owned(),
            source: format!("path = {:?}", folder.canonicalize()?),
            features: features
                .into_iter()
                .flat_map(toml::Table::keys)
                .cloned()
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::root;

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
        let empty = tempfile::tempdir().unwrap();
        let error = of(empty.path().to_str().unwrap()).unwrap_err().to_string();
        assert!(
            error.contains("is no crate: it holds no Cargo.toml"),
            "{error}"
        );
        fs::write(empty.path().join("Cargo.toml"), "[package]\nname = \"x\"\n").unwrap();
        let error = of(empty.path().to_str().unwrap()).unwrap_err().to_string();
        assert!(error.contains("has no library"), "{error}");
    }
}
