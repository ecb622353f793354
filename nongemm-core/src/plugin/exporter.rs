//! Exporters: graphs as files that other programs read.

use std::path::{Path, PathBuf};

use super::registry::plugin_kind;
use super::settings::Settings;
use super::weights::WeightSource;
use crate::graph::Graph;

/// A format that graphs are written in.
pub trait Exporter: Send + Sync {
    /// The id that users name it by.
    fn id(&self) -> &'static str;

    /// What it writes, in one line.
    fn summary(&self) -> &'static str;

    /// Writes a graph with its weights into a folder that exists, to files that begin with `name`. Returns the
    /// files, the one to open first.
    ///
    /// # Errors
    /// When operators cannot be written (all are named), weights do not load, or files cannot be written.
    fn export(
        &self,
        graph: &Graph,
        weights: &dyn WeightSource,
        settings: &Settings,
        folder: &Path,
        name: &str,
    ) -> anyhow::Result<Vec<PathBuf>>;
}

plugin_kind!(Exporter, "exporter");
