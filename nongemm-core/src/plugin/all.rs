//! All plugins of a binary.

use super::{
    Backend, Dataset, Exporter, HardwareProbe, Model, Profiler, Registry, RegistryError, Reporter,
    WeightFormat, WeightSource,
};
use crate::op::{OpError, OpRegistry};

/// Everything that the crates of this binary register.
pub struct Plugins {
    /// Models.
    pub models: Registry<dyn Model>,
    /// Backends.
    pub backends: Registry<dyn Backend>,
    /// Datasets.
    pub datasets: Registry<dyn Dataset>,
    /// Weight formats.
    pub weights: Registry<dyn WeightFormat>,
    /// Hardware probes.
    pub probes: Registry<dyn HardwareProbe>,
    /// Profilers.
    pub profilers: Registry<dyn Profiler>,
    /// Reporters.
    pub reporters: Registry<dyn Reporter>,
    /// Exporters.
    pub exporters: Registry<dyn Exporter>,
    /// Operators.
    pub ops: OpRegistry,
}

/// Why a binary's plugins cannot be used together.
#[derive(Debug, thiserror::Error)]
pub enum PluginsError {
    /// Two plugins have one id.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Two operators have one name.
    #[error(transparent)]
    Op(#[from] OpError),
}

impl Plugins {
    /// Collects all registered plugins.
    ///
    /// # Errors
    /// When two of a kind have the same id.
    pub fn collect() -> Result<Self, PluginsError> {
        Ok(Plugins {
            models: Registry::collect()?,
            backends: Registry::collect()?,
            datasets: Registry::collect()?,
            weights: Registry::collect()?,
            probes: Registry::collect()?,
            profilers: Registry::collect()?,
            reporters: Registry::collect()?,
            exporters: Registry::collect()?,
            ops: OpRegistry::collect()?,
        })
    }

    /// Opens weights by location.
    ///
    /// # Errors
    /// When no format claims the location, or the one that does cannot open it.
    pub fn open_weights(&self, location: &str) -> anyhow::Result<Box<dyn WeightSource>> {
        let format = self.weights.iter().find(|e| e.plugin.claims(location));
        match format {
            Some(entry) => entry.plugin.open(location),
            None => {
                let known: Vec<String> = self
                    .weights
                    .iter()
                    .map(|e| e.plugin.summary().to_owned())
                    .collect();
                anyhow::bail!(
                    "cannot tell what weights `{location}` are; known: {}",
                    known.join("; ")
                )
            }
        }
    }
}
