//! The command line of nongemm.
//!
//! A binary with more plugins is three lines: `use my_plugin as _;` and a `main` that returns
//! [`main()`]. The crates below are linked here, and only here, so that their plugins register.

mod advice;
mod allocator;
mod alone;
mod args;
mod ceilings;
mod commands;
mod error;
mod panics;
mod progress;
mod signals;
mod suite;
mod supervisor;
mod terminal;
mod worker;

use std::process::ExitCode;

use clap::Parser;
use nongemm_core::plugin::Plugins;

#[cfg(feature = "candle")]
use nongemm_candle as _;
use nongemm_datasets as _;
use nongemm_models as _;
use nongemm_operators as _;
#[cfg(feature = "ort")]
use nongemm_ort as _;
use nongemm_probes as _;
use nongemm_report as _;
#[cfg(feature = "torch")]
use nongemm_torch as _;
use nongemm_weights as _;

use crate::args::{Cli, Command, DataCommand};
use crate::error::{CliError, exit_code};

/// Runs the command line of this process and returns its exit code: 0 for success, 1 when a run or a
/// comparison failed, 2 for bad usage or input, 130 when interrupted.
pub fn main() -> ExitCode {
    panics::catch(|| {
        let cli = match Cli::try_parse() {
            Ok(cli) => cli,
            Err(error) => return error::usage(&error),
        };
        let result = Plugins::collect()
            .map_err(CliError::usage)
            .and_then(|mut plugins| dispatch(cli.command, &mut plugins));
        exit_code(result)
    })
}

fn dispatch(command: Command, plugins: &mut Plugins) -> Result<ExitCode, CliError> {
    match command {
        Command::List(args) => commands::list::run(&args, plugins),
        Command::Bench(args) => commands::bench::run(&args, plugins),
        Command::Export(args) => commands::export::run(&args, plugins),
        Command::Slurm(args) => commands::slurm::run(&args, plugins),
        Command::Report(args) => commands::report::run(&args, plugins),
        Command::Data(DataCommand::Check(args)) => commands::data::check(&args, plugins),
        Command::Registry(args) => commands::registry::run(&args, plugins),
        Command::Compare(args) => commands::compare::run(&args),
        Command::Project(args) => commands::project::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args, plugins),
        Command::Machine(args) => commands::machine::run(&args, plugins),
        Command::Micro(args) => commands::micro::run(&args, plugins),
        Command::Alone => alone::worker::run(plugins),
        Command::Completions(args) => commands::manual::completions(&args),
        Command::Man(args) => commands::manual::man(&args),
        Command::Worker => worker::run(plugins),
    }
}
