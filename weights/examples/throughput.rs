//! How fast synthetic weights are made, by dtype.
//!
//! `cargo run --release -p nongemm-weights --example throughput [MEBIBYTES]`
#![expect(clippy::print_stdout, reason = "an example's output")]

use std::time::Instant;

use nongemm_core::dtype::DType;
use nongemm_core::graph::{GraphBuilder, Init};
use nongemm_core::plugin::WeightSource;
use nongemm_weights::SyntheticWeights;

fn main() -> anyhow::Result<()> {
    let mebibytes: usize = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => 512,
    };
    for dtype in [DType::F32, DType::F16, DType::BF16, DType::F64] {
        let mut builder = GraphBuilder::new(dtype);
        let count = (mebibytes << 20) / dtype.size();
        let value = builder.param("weight", [count], Init::std(0.02))?;
        let graph = builder.finish();
        let source = SyntheticWeights::new(0);
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let start = Instant::now();
            let tensor = source.load(&graph.params()[0], graph.spec(value))?;
            best = best.min(start.elapsed().as_secs_f64());
            drop(tensor);
        }
        let gigabytes = (mebibytes << 20) as f64 / 1e9;
        println!(
            "{dtype:>5}: {:.2} GB/s (best of 5, {mebibytes} MiB)",
            gigabytes / best
        );
    }
    Ok(())
}
