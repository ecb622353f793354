//! Models that are described in files instead of Rust: a `model.toml` beside what holds the model.
//!
//! Such a file gives an id and defaults to a program that some backend runs by itself, or to a registered model
//! with other weights, settings or data. The models of a folder then are models like all others.

mod model;
mod reader;
mod schema;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub use model::Described;

use crate::plan::UsageError;
use crate::plugin::Plugins;

/// The name of a file that describes a model, and the ending of one that has a name of its own.
const NAME: &str = "model.toml";
const ENDING: &str = ".model.toml";

/// Registers the models of files and folders: of a folder those that it and the folders in it describe.
///
/// # Errors
/// One line that names the file, the position and what is wrong; for an id that is taken, both places.
pub fn register(plugins: &mut Plugins, paths: &[PathBuf]) -> Result<(), UsageError> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for path in paths {
        for file in files(path)? {
            let real = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if seen.insert(real) {
                found.push(reader::read(&file, plugins)?);
            }
        }
    }
    for entry in found {
        plugins.models.add(entry)?;
    }
    Ok(())
}

/// The files that describe models, sorted.
fn files(path: &Path) -> Result<Vec<PathBuf>, UsageError> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in entries(path)? {
        if entry.is_dir() {
            found.extend(entries(&entry)?.into_iter().filter(|file| describes(file)));
        } else if describes(&entry) {
            found.push(entry);
        }
    }
    if found.is_empty() {
        return Err(UsageError(format!(
            "no model is described in {}: there is no {NAME} and no NAME{ENDING} in it or in the folders in it",
            path.display()
        )));
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, UsageError> {
    let wrong = |error| {
        UsageError(format!(
            "cannot read the models of {}: {error}",
            folder.display()
        ))
    };
    let entries = fs::read_dir(folder).map_err(wrong)?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(wrong)?;
    paths.sort();
    Ok(paths)
}

fn describes(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name == NAME || name.ends_with(ENDING)) && file.is_file()
}
