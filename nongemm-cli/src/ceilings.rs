//! Measured ceilings in the user's cache, by what they hold for.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use nongemm_core::cache;
use nongemm_core::plugin::{Backend, Device, Plugins};
use nongemm_core::record::{Ceilings, RunRecord};
use nongemm_core::run::machine;
use sha2::{Digest, Sha256};

/// Characters of a key.
const KEY_LENGTH: usize = 16;

/// The hash of everything that ceilings depend on: hardware, backend, device, threads and versions.
pub(crate) fn key(backend: &dyn Backend, device: Device, threads: usize) -> String {
    let machine = machine::describe();
    let facts = format!(
        "{}|{}|{}|{:?}|{}|{device}|{threads}|{:?}|{}",
        machine.cpu,
        machine.cores,
        machine.memory,
        machine.gpu,
        backend.id(),
        backend.versions(),
        env!("CARGO_PKG_VERSION"),
    );
    let digest = Sha256::digest(facts.as_bytes());
    let hex = digest.iter().map(|byte| format!("{byte:02x}"));
    hex.collect::<String>()[..KEY_LENGTH].to_owned()
}

fn file(key: &str) -> anyhow::Result<PathBuf> {
    Ok(cache::dir()?.join("ceilings").join(format!("{key}.json")))
}

/// Keeps ceilings for later runs.
///
/// # Errors
/// When the cache cannot be written.
pub(crate) fn save(ceilings: &Ceilings) -> anyhow::Result<()> {
    let file = file(&ceilings.key)?;
    let text = serde_json::to_string_pretty(ceilings)?;
    let folder = file.parent().context("the cache has no folder")?;
    let partial = file.with_extension(format!("{}.partial", std::process::id()));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&partial, text))
        .and_then(|()| fs::rename(&partial, &file))
        .with_context(|| format!("cannot keep ceilings in {}", file.display()))
}

/// The ceilings of a backend here, if they were measured.
pub(crate) fn load(backend: &dyn Backend, device: Device, threads: usize) -> Option<Ceilings> {
    let key = key(backend, device, threads);
    let text = fs::read_to_string(file(&key).ok()?).ok()?;
    let ceilings: Ceilings = serde_json::from_str(&text).ok()?;
    (ceilings.key == key).then_some(ceilings)
}

/// Puts the ceilings that hold for a run into its record.
pub(crate) fn attach(record: &mut RunRecord, plugins: &Plugins) {
    let spec = &record.spec;
    if let Ok(backend) = plugins.backends.get(&spec.backend) {
        let found = load(backend, spec.device, spec.threads);
        record.machine.ceilings.extend(found);
    }
}
