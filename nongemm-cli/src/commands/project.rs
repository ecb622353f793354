//! `nongemm project`: how long runs would take if some operators took less time.

use std::process::ExitCode;

use nongemm_report::project::{Speedups, project, show};

use super::records;
use crate::args::ProjectArgs;
use crate::error::CliError;
use crate::terminal;

/// Runs the command.
pub(crate) fn run(args: &ProjectArgs) -> Result<ExitCode, CliError> {
    let speedups = Speedups::parse(&args.speedup).map_err(CliError::usage)?;
    let runs = records::load(&args.dirs)?;
    let projections = project(&runs, &speedups).map_err(CliError::usage)?;
    if projections.runs.is_empty() {
        return Err(CliError::usage("no run with a breakdown to project from"));
    }
    let text = match args.json {
        true => show::json(&projections).map_err(CliError::failed)?,
        false => show::terminal(&projections, terminal::stdout()),
    };
    terminal::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
