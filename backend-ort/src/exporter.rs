//! The exporter `onnx`.

use std::path::{Path, PathBuf};

use nongemm_core::graph::{CompositePolicy, Graph};
use nongemm_core::plugin::{Exporter, Settings, WeightSource};
use nongemm_core::register;

use crate::export::{Model, write};

/// Graphs as ONNX models.
pub struct OnnxExporter;

register!(dyn Exporter, &OnnxExporter);

impl Exporter for OnnxExporter {
    fn id(&self) -> &'static str {
        "onnx"
    }

    fn summary(&self) -> &'static str {
        "an ONNX model; weights beside it where they exceed 2 GB"
    }

    fn export(
        &self,
        graph: &Graph,
        weights: &dyn WeightSource,
        settings: &Settings,
        folder: &Path,
        name: &str,
    ) -> anyhow::Result<Vec<PathBuf>> {
        let policy = settings.get("composites", CompositePolicy::default())?;
        let model = Model::new(graph, policy)?;
        let files = write(&model, weights, &folder.join(format!("{name}.onnx")))?;
        Ok(std::iter::once(files.model).chain(files.data).collect())
    }
}
