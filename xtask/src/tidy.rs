//! The repository's own rules: the invariants of ARCHITECTURE.md that the compiler does not enforce.

mod operators;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::process::root;

/// Crates of the workspace that each crate may depend on (not counting tests).
const LAYERS: &[(&str, &[&str])] = &[
    ("nongemm-core", &[]),
    ("operators", &["nongemm-core"]),
    (
        "datasets",
        &["nongemm-core", "nongemm-npz", "nongemm-resize"],
    ),
    ("datasets/npz", &["nongemm-core"]),
    ("datasets/resize", &[]),
    ("weights", &["nongemm-core"]),
    ("probes", &["nongemm-core"]),
    ("report", &["nongemm-core"]),
    (
        "models",
        &["nongemm-core", "nongemm-operators", "nongemm-datasets"],
    ),
    ("backend-candle", &["nongemm-core", "nongemm-operators"]),
    ("backend-torch", &["nongemm-core", "nongemm-operators"]),
    (
        "backend-ort",
        &["nongemm-core", "nongemm-npz", "nongemm-operators"],
    ),
    ("backend-torch/libtorch", &[]),
    ("xtask", &["nongemm-libtorch"]),
];

/// Libraries that the core must not know.
const FOREIGN: &[&str] = &[
    "candle",
    "tch",
    "ort",
    "torch",
    "nvml",
    "onnx",
    "image",
    "tokenizers",
];

/// Lines that a source file may have.
const LONGEST_FILE: usize = 400;

/// Runs all rules and reports.
pub(crate) fn run() -> Result<ExitCode> {
    check_repository()?;
    eprintln!("tidy");
    Ok(ExitCode::SUCCESS)
}

/// All rules.
pub(crate) fn check_repository() -> Result<()> {
    let root = root();
    let mut problems = Vec::new();
    for (krate, allowed) in LAYERS {
        layering(&root, krate, allowed, &mut problems)?;
    }
    for file in sources(&root)? {
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.strip_prefix(&root).unwrap_or(&file);
        problems.extend(check_source(name, &text));
        problems.extend(operators::check(name, &text));
    }
    problems.extend(check_links(&root)?);
    if problems.is_empty() {
        return Ok(());
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    bail!("{} rules broken", problems.len())
}

/// Dependencies go one way, and the core knows no framework.
fn layering(root: &Path, krate: &str, allowed: &[&str], problems: &mut Vec<String>) -> Result<()> {
    let path = root.join(krate).join("Cargo.toml");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let manifest: toml::Table = text
        .parse()
        .with_context(|| format!("cannot parse {}", path.display()))?;
    let empty = toml::Table::new();
    let dependencies = manifest
        .get("dependencies")
        .and_then(toml::Value::as_table)
        .unwrap_or(&empty);
    for name in dependencies.keys() {
        if name.starts_with("nongemm-") && !allowed.contains(&name.as_str()) {
            problems.push(format!("{krate}/Cargo.toml: must not depend on {name}"));
        }
        if krate == "nongemm-core" && FOREIGN.iter().any(|f| name.starts_with(f)) {
            problems.push(format!("{krate}/Cargo.toml: the core must not know {name}"));
        }
    }
    Ok(())
}

fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Words that stand for one model, operator, backend or probe. The core must not hold them in code.
const NAMES: &[&str] = &[
    "\"candle\"",
    "\"torch\"",
    "\"ort\"",
    "\"gpt2\"",
    "\"bert\"",
    "\"softmax\"",
    "\"linear\"",
    "\"layer_norm\"",
    "\"conv2d\"",
    "\"nvml\"",
    "\"rapl\"",
];

fn check_source(name: &Path, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let shown = name.display();
    let is_test = name.components().any(|c| {
        let part = c.as_os_str();
        part == "tests" || part == "examples"
    });
    let is_own = name.starts_with("xtask");
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        problems.push(format!(
            "{shown}: {lines} lines, at most {LONGEST_FILE}; split it"
        ));
    }
    if !is_test && !text.starts_with("//!") && !text.starts_with("#!") {
        problems.push(format!(
            "{shown}:1: starts without a `//!` head that states its purpose"
        ));
    }
    if !is_own && text.contains("#[ignore]") {
        problems.push(format!("{shown}: #[ignore] without a reason"));
    }
    if name.starts_with("nongemm-core/src") {
        for (index, line) in code.lines().enumerate() {
            let is_comment = line.trim_start().starts_with("//");
            for word in NAMES
                .iter()
                .filter(|word| !is_comment && line.contains(**word))
            {
                problems.push(format!(
                    "{shown}:{}: the core names {word}; it must not know it",
                    index + 1
                ));
            }
        }
    }
    if name.starts_with("backend-candle/src") || name.starts_with("report/src") {
        for (index, line) in code.lines().enumerate() {
            if line.contains("match") && (line.contains(".name()") || line.contains(".op.as_str()"))
            {
                problems.push(format!(
                    "{shown}:{}: matches on an operator's name; only classifiers may",
                    index + 1
                ));
            }
        }
    }
    problems
}

/// Links between the documents lead somewhere.
fn check_links(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let documents: BTreeMap<&str, PathBuf> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
        .into_iter()
        .map(|name| (name, root.join(name)))
        .collect();
    for (name, path) in documents {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = target.split('#').next().unwrap_or(target);
            if !file.is_empty() && !file.contains("://") && !root.join(file).exists() {
                problems.push(format!("{name}: link to {target}, which is not there"));
            }
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_may_not_name_a_backend() {
        let found = check_source(
            Path::new("nongemm-core/src/x.rs"),
            "//! X.\nfn f() -> bool {\n    id == \"candle\"\n}\n",
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("nongemm-core/src/x.rs:3: "));
        let comment = "//! X.\n/// As `\"candle\"`.\nfn f() {}\n";
        assert!(check_source(Path::new("nongemm-core/src/x.rs"), comment).is_empty());
    }

    #[test]
    fn long_files_and_missing_heads_are_found() {
        let long = format!("//! X.\n{}", "\n".repeat(LONGEST_FILE + 1));
        assert_eq!(check_source(Path::new("models/src/x.rs"), &long).len(), 1);
        assert_eq!(
            check_source(Path::new("models/src/x.rs"), "fn f() {}\n").len(),
            1
        );
    }

    #[test]
    fn a_backend_may_not_match_on_names() {
        let text = "//! X.\nfn f(op: &dyn Op) {\n    match op.name() {\n    }\n}\n";
        assert_eq!(
            check_source(Path::new("backend-candle/src/x.rs"), text).len(),
            1
        );
    }

    #[test]
    fn a_dependency_against_the_layers_is_found() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("nongemm-core")).unwrap();
        let manifest = "[dependencies]\ncandle-core = \"1\"\nnongemm-models = \"1\"\n";
        fs::write(dir.path().join("nongemm-core/Cargo.toml"), manifest).unwrap();
        let mut problems = Vec::new();
        layering(dir.path(), "nongemm-core", &[], &mut problems).unwrap();
        assert_eq!(problems.len(), 2, "{problems:?}");
    }
}
