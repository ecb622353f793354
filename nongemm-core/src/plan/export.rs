//! Everything about writing a model to files that can be checked before.

use std::collections::BTreeMap;

use super::UsageError;
use super::check::graph_of;
use super::matrix::in_range;
use crate::dtype::DType;
use crate::graph::{CompositePolicy, Graph};
use crate::plugin::{Exporter, ModelConfig, Plugins, Registered, Settings, WeightSource};

/// Which model to write, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportRequest {
    /// Model id.
    pub model: String,
    /// Exporter id.
    pub format: String,
    /// Floating-point type.
    pub dtype: DType,
    /// Batch size.
    pub batch: usize,
    /// Sequence length; nothing means the model's own.
    pub seq: Option<usize>,
    /// Image side in pixels; nothing means the model's own.
    pub image: Option<usize>,
    /// Weights by location.
    pub weights: String,
    /// Settings of the model, and `composites`.
    pub settings: BTreeMap<String, String>,
}

/// A request that was checked.
pub struct CheckedExport {
    /// Writes it.
    pub exporter: &'static Registered<dyn Exporter>,
    /// The graph, composites not yet expanded.
    pub graph: Graph,
    /// The weights, opened but not read.
    pub weights: Box<dyn WeightSource>,
    /// The settings, all keys known.
    pub settings: Settings,
}

/// Checks a request: ids, sizes, settings, graph, the header of the weights.
///
/// # Errors
/// One line that names what is wrong.
pub fn check_export(
    request: &ExportRequest,
    plugins: &Plugins,
) -> Result<CheckedExport, UsageError> {
    let model = plugins.models.find(&request.model)?;
    let exporter = plugins.exporters.find(&request.format)?;
    if !request.dtype.is_float() {
        return Err(UsageError(format!(
            "dtype {} is not a floating-point type; known: f32, f16, bf16, f64",
            request.dtype
        )));
    }
    let own = model.guard(|model| model.sizes())?;
    let settings = Settings::new(request.settings.clone());
    let config = ModelConfig {
        batch: request.batch,
        seq: own.seq.map(|seq| request.seq.unwrap_or(seq)),
        image: own.image.map(|image| request.image.unwrap_or(image)),
        dtype: request.dtype,
        settings: settings.clone(),
    };
    in_range("batch", &[config.batch])?;
    in_range("seq", config.seq.as_slice())?;
    in_range("image", config.image.as_slice())?;
    let graph = graph_of(model, &config, &settings)?;
    settings.find::<CompositePolicy>("composites")?;
    // A description may hold what only a run reads.
    for key in ["tokenizer", "preprocessor"] {
        settings.find::<String>(key)?;
    }
    settings.finish()?;
    let weights = plugins.open_weights(&request.weights)?;
    weights
        .verify(&graph)
        .map_err(|e| UsageError(format!("weights {}: {e:#}", request.weights)))?;
    Ok(CheckedExport {
        exporter,
        graph,
        weights,
        settings,
    })
}
