//! Peak memory of worker processes, and the speed of synthetic weights.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use nongemm_core::plan::check;
use nongemm_core::plugin::Plugins;
use nongemm_core::record::store;

use crate::interleave::median_ms;
use crate::support::spec;

const MODELS: &[&str] = &["gpt2", "bert", "vit-b16", "resnet50", "gpt2-large"];
const MB: f64 = 1e6;

/// Runs each model once through the real command line, in a worker of its own, and prints the peak
/// that the worker reports.
pub(crate) fn run() -> Result<()> {
    let own = std::env::current_exe()?;
    let binary = own.with_file_name("nongemm");
    let out = std::env::temp_dir().join(format!("nongemm-perf-{}", std::process::id()));
    for model in MODELS {
        let status = Command::new(&binary)
            .args(["bench", "--backend", "candle", "--model", model])
            .args(["--min-samples", "3", "--max-time", "1s", "--out"])
            .arg(out.join(model))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .with_context(|| {
                format!(
                    "cannot start {}; `cargo build --release -p nongemm-cli` makes it",
                    binary.display()
                )
            })?;
        anyhow::ensure!(status.success(), "nongemm bench --model {model}: {status}");
        let record = store::read_all(&out.join(model))?.remove(0);
        let memory = record.memory.context("no memory in the record")?;
        let peak = memory.peak_rss_bytes.context("no peak in the record")? as f64 / MB;
        let weights = memory.weights_bytes as f64 / MB;
        let activations = memory.activation_bytes as f64 / MB;
        println!(
            "  {model:10} peak {peak:7.0} MB = weights {weights:.0} + activations {activations:.0} \
             + {:.0}",
            peak - weights - activations
        );
    }
    std::fs::remove_dir_all(&out).with_context(|| format!("cannot remove {}", out.display()))
}

/// Times the generation of all weights of a model.
pub(crate) fn weights() -> Result<()> {
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
        bytes / MB,
        bytes / ms / 1e6
    );
    Ok(())
}
