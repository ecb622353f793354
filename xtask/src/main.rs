//! `cargo xtask ...`: builds `nongemm` with the features that a command needs and runs it; sets up
//! references and tools; runs everything that CI runs.

mod aa;
mod browser;
mod bundle;
mod cache;
mod cuda;
mod memory;
mod new_plugin;
mod nongemm;
mod parity;
mod plugin;
mod process;
mod setup;
mod test;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
Tasks of the nongemm workspace.

  cargo xtask bench|micro|report|compare|registry|.. ARGS..
                                                build nongemm with what the arguments need and run it
      --plugin PATH|NAME@VERSION|URL[#NAME]     with a crate of plugins; may be given several times
  cargo xtask new-plugin NAME --kind model|operator|backend|probe|dataset|reporter|classifier
                                                write a crate with a plugin, which compiles and tests itself
  cargo xtask setup [cuda]                      fetch the pinned Python references, or CUDA's compiler
  cargo xtask test                              format, lints, docs, tests, tidy, licences: what CI runs
  cargo xtask tidy                              check the repository's own rules
  cargo xtask perf [NAME..]                     benchmarks against the libraries underneath; `perf torch`,
                                                `perf memory` and `perf ort` against Python; `perf report`:
                                                time and memory of reports on a whole suite; `perf micro`:
                                                whether operators alone repeat; `perf aa`: what `compare`
                                                makes of runs between which nothing changed
  cargo xtask bundle [--features LIST]          a folder to run on a machine without Rust
  cargo xtask parity [--model ID,..] [--backend ID] [--small]
                                                compare models with their references

The cache is $NONGEMM_CACHE, else $XDG_CACHE_HOME/nongemm, else ~/.cache/nongemm.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match args.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let result = match command {
        "help" | "--help" | "-h" => {
            eprint!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        "setup" => setup::run(rest),
        "bundle" => bundle::run(rest),
        "test" => test::run(rest),
        "tidy" => tidy::run(),
        "new-plugin" => new_plugin::run(rest),
        "perf" if rest.first().is_some_and(|name| name == "aa") => aa::run(&rest[1..]),
        "perf" if rest.first().is_some_and(|name| name == "memory") => memory::run(&rest[1..]),
        "perf" => nongemm::perf(rest),
        "parity" => parity::run(rest),
        _ => nongemm::run(&args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
