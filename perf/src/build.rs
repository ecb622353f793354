//! How long it takes to build the graphs of published models.

use std::time::Instant;

use anyhow::Result;
use nongemm_core::dtype::DType;
use nongemm_core::graph::{Graph, GraphBuilder};
use nongemm_core::plugin::{Model, ModelConfig, Plugins, Settings};

use crate::interleave::median_ms;

const REPETITIONS: usize = 7;

/// Builds every registered model in its published configuration, batch 1.
pub(crate) fn run() -> Result<()> {
    for entry in Plugins::collect()?.models.iter() {
        let mut seconds = Vec::new();
        let mut graph = build(entry.plugin)?;
        for _ in 0..REPETITIONS {
            let since = Instant::now();
            graph = build(entry.plugin)?;
            seconds.push(since.elapsed().as_secs_f64());
        }
        println!(
            "  {:13} {:6.2} ms for {} nodes, {} parameters",
            entry.plugin.id(),
            median_ms(&seconds),
            graph.nodes().len(),
            graph.parameter_count()
        );
    }
    Ok(())
}

fn build(model: &dyn Model) -> Result<Graph> {
    let sizes = model.sizes();
    let config = ModelConfig {
        batch: 1,
        seq: sizes.seq,
        image: sizes.image,
        dtype: DType::F32,
        settings: Settings::default(),
    };
    let mut builder = GraphBuilder::new(DType::F32);
    model.build(&mut builder, &config)?;
    Ok(builder.finish())
}
