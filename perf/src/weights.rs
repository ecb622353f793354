//! The speed of synthetic weights.

use std::time::Instant;

use anyhow::Result;
use nongemm_core::plan::check;
use nongemm_core::plugin::Plugins;

use crate::interleave::median_ms;
use crate::support::spec;

/// Times the generation of all weights of a model.
pub(crate) fn run() -> Result<()> {
    let plugins = Plugins::collect()?;
    let checked = check(&spec("gpt2", &plugins)?, &plugins)?;
    let bytes = checked.graph.weight_bytes() as f64;
    let mut seconds = Vec::new();
    for _ in 0..7 {
        let since = Instant::now();
        for param in checked.graph.params() {
            std::hint::black_box(
                checked
                    .weights
                    .load(param, checked.graph.spec(param.value))?,
            );
        }
        seconds.push(since.elapsed().as_secs_f64());
    }
    let ms = median_ms(&seconds);
    println!(
        "  gpt2       {:.0} MB in {ms:.0} ms: {:.2} GB/s",
        bytes / 1e6,
        bytes / ms / 1e6
    );
    Ok(())
}
