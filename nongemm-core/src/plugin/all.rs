//! All plugins of a binary.

use std::cmp::Reverse;

use super::{
    Backend, Claim, Dataset, Exporter, HardwareProbe, Model, OperatorClassifier, Preset, Profiler,
    Registered, Registry, RegistryError, RegistryFormat, Reporter, WeightFormat, WeightSource,
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
    /// Classifiers.
    pub classifiers: Registry<dyn OperatorClassifier>,
    /// Exporters.
    pub exporters: Registry<dyn Exporter>,
    /// Operator registries.
    pub presets: Registry<dyn Preset>,
    /// Formats of operator registries.
    pub formats: Registry<dyn RegistryFormat>,
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
            classifiers: Registry::collect()?,
            exporters: Registry::collect()?,
            presets: Registry::collect()?,
            formats: Registry::collect()?,
            ops: OpRegistry::collect()?,
        })
    }

    /// Opens weights by location, with the format that is surest of it.
    ///
    /// # Errors
    /// When no format claims the location, two are equally sure, or the one that is cannot open it.
    pub fn open_weights(&self, location: &str) -> anyhow::Result<Box<dyn WeightSource>> {
        self.weight_format(location)?
            .guard(|format| format.open(location))?
    }

    fn weight_format(
        &self,
        location: &str,
    ) -> anyhow::Result<&'static Registered<dyn WeightFormat>> {
        let claims = self.weights.iter().map(|entry| {
            let claim = entry.guard(|format| format.claim(location));
            claim.map(|claim| (claim, entry))
        });
        let claims = claims.collect::<Result<Vec<_>, _>>()?.into_iter();
        let mut claims: Vec<_> = claims.filter(|(claim, _)| *claim > Claim::No).collect();
        claims.sort_by_key(|(claim, _)| Reverse(*claim));
        match claims.as_slice() {
            [] => {
                let known = self.weights.iter().map(|entry| entry.plugin.summary());
                let known: Vec<&str> = known.collect();
                anyhow::bail!(
                    "cannot tell what weights `{location}` are; known: {}",
                    known.join("; ")
                )
            }
            [(first, one), (second, other), ..] if first == second => anyhow::bail!(
                "weights `{location}` are claimed by both {} and {}",
                one.plugin.id(),
                other.plugin.id()
            ),
            [(_, format), ..] => Ok(*format),
        }
    }
}
