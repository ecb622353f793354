//! `nongemm registry`: operator calls met in models.

mod capture;
mod export;
mod import;
mod list;
mod merge;
pub(crate) mod source;
mod stats;

use std::process::ExitCode;

use nongemm_core::plugin::Plugins;

use crate::args::{RegistryAction, RegistryArgs};
use crate::error::CliError;

/// Runs the command.
pub(crate) fn run(args: &RegistryArgs, plugins: &mut Plugins) -> Result<ExitCode, CliError> {
    match &args.action {
        RegistryAction::Stats(args) => stats::run(args, plugins)?,
        RegistryAction::List(args) => list::run(args, plugins)?,
        RegistryAction::Merge(args) => merge::run(args, plugins)?,
        RegistryAction::Export(args) => export::run(args, plugins)?,
        RegistryAction::Import(args) => import::run(args, plugins)?,
        RegistryAction::Capture(args) => capture::run(args, plugins)?,
    }
    Ok(ExitCode::SUCCESS)
}
