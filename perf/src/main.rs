//! `cargo xtask perf`: what nongemm itself costs, shown against the libraries underneath.
//!
//! Two sides are always measured in turn in one process (A B A B ...), and what is printed is the
//! median of the ratios of neighbouring samples with its 95% interval: the machine's speed may drift.
#![expect(
    clippy::print_stdout,
    reason = "printing tables is what this program is for"
)]

mod build;
mod closure;
mod interleave;
mod interpreter;
mod micro;
mod models;
mod probes;
mod support;
mod weights;

use std::process::ExitCode;

use anyhow::{Result, bail};

type Benchmark = (&'static str, &'static str, fn() -> Result<()>);

const BENCHMARKS: &[Benchmark] = &[
    (
        "interpreter",
        "what the interpreter adds to candle's own call, per node (target: at most 1000 ns)",
        interpreter::run,
    ),
    (
        "models",
        "end-to-end latency against candle-transformers (target: ratio at most 1.02)",
        models::run,
    ),
    (
        "closure",
        "unattributed time and perturbation (targets: at most 2% each)",
        closure::run,
    ),
    (
        "probes",
        "latency with the probes read around each run against without (target: at most 0.5% more)",
        probes::run,
    ),
    (
        "build",
        "time to build the graphs of the published models (target: milliseconds)",
        build::run,
    ),
    (
        "weights",
        "synthetic weights per second (target: at least 1 GB/s)",
        weights::run,
    ),
];

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    match run(&names) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("perf: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(names: &[String]) -> Result<()> {
    if let Some(("micro", rest)) = names
        .split_first()
        .map(|(name, rest)| (name.as_str(), rest))
    {
        // Apart from the rest: it takes as long as measuring the operators twice does.
        println!("micro: whether the medians of operators alone repeat");
        return micro::run(rest);
    }
    let known = |name: &String| BENCHMARKS.iter().any(|(known, ..)| known == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = BENCHMARKS.iter().map(|(name, ..)| *name).collect();
        bail!("no benchmark `{unknown}`; known: {}", all.join(", "));
    }
    for (name, summary, benchmark) in BENCHMARKS {
        if names.is_empty() || names.iter().any(|n| n == name) {
            println!("{name}: {summary}");
            benchmark()?;
            println!();
        }
    }
    Ok(())
}
