//! Presets: operator registries that a crate ships.

use super::registry::plugin_kind;
use crate::registry::OperatorRegistry;

/// An operator registry that is part of a binary.
pub trait Preset: Send + Sync {
    /// The id that users name it by (`--registry ID`).
    fn id(&self) -> &'static str;

    /// What it holds, in one line.
    fn summary(&self) -> &'static str;

    /// The registry.
    ///
    /// # Errors
    /// When what was shipped is damaged.
    fn registry(&self) -> anyhow::Result<OperatorRegistry>;
}

plugin_kind!(Preset, "preset");
