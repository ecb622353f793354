//! Where entries come from: a preset, a registry file, a folder with results.

use std::collections::BTreeMap;
use std::path::Path;

use nongemm_core::plugin::{Imported, Plugins, RefusedLine};
use nongemm_core::record::store;
use nongemm_core::registry::{Extraction, Filter, OperatorRegistry, from_record, read};

use crate::error::CliError;

/// The registry that a name stands for, as far as a filter takes it.
pub(crate) fn select(
    source: &str,
    filter: Option<&str>,
    plugins: &Plugins,
) -> Result<OperatorRegistry, CliError> {
    let filter = filter.map(str::parse::<Filter>).transpose();
    let filter = filter.map_err(CliError::filter)?;
    let Imported { registry, refused } = open(source, plugins)?;
    tell_refused(source, &refused);
    if !refused.is_empty() {
        eprintln!("{source}: {} lines refused", refused.len());
    }
    Ok(match filter {
        Some(filter) => registry.filter(&filter),
        None => registry,
    })
}

/// The registry that a name stands for, with the lines of its file that are no entries.
pub(crate) fn open(source: &str, plugins: &Plugins) -> Result<Imported, CliError> {
    let path = Path::new(source);
    if path.is_dir() {
        return from_results(path, plugins).map(whole);
    }
    if path.is_file() {
        return read(path).map_err(CliError::usage);
    }
    let preset = plugins.presets.find(source).map_err(|e| {
        CliError::usage(format!(
            "{e}; nor is it a registry file or a folder with results"
        ))
    })?;
    let registry = preset
        .guard(|preset| preset.registry())
        .map_err(CliError::failed)?
        .map_err(|e| CliError::failed(format!("preset {source}: {e:#}")))?;
    Ok(whole(registry))
}

fn whole(registry: OperatorRegistry) -> Imported {
    Imported {
        registry,
        refused: Vec::new(),
    }
}

/// Says on standard error which lines of a file were refused.
pub(super) fn tell_refused(name: &str, refused: &[RefusedLine]) {
    for line in refused {
        eprintln!("{name}: refused: {line}");
    }
}

fn from_results(folder: &Path, plugins: &Plugins) -> Result<OperatorRegistry, CliError> {
    let mut registry = OperatorRegistry::new();
    for record in store::read_all(folder).map_err(CliError::usage)? {
        let found = from_record(&record, &plugins.ops);
        tell(&record.id, &found);
        registry.merge(found.registry);
    }
    Ok(registry)
}

/// Says on standard error what was not taken, equal reasons once.
pub(super) fn tell(name: &str, found: &Extraction) {
    if found.symbolic > 0 {
        eprintln!(
            "{name}: {} calls left out: only a run knows their sizes",
            found.symbolic
        );
    }
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for refused in &found.refused {
        *reasons.entry(refused.to_string()).or_default() += 1;
    }
    for (reason, count) in reasons {
        eprintln!("{name}: refused {count} calls: {reason}");
    }
}
