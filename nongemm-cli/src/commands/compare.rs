//! `nongemm compare`: what changed between two sets of results.

use std::process::ExitCode;
use std::slice;

use nongemm_report::compare::{Comparison, show};

use super::records;
use crate::args::{CompareArgs, CompareFormat};
use crate::error::CliError;
use crate::terminal;

/// Runs the command. The exit code is 1 if a run is slower than the threshold allows, or fails where it did not.
pub(crate) fn run(args: &CompareArgs) -> Result<ExitCode, CliError> {
    let threshold = args.threshold / 100.0;
    if !(threshold.is_finite() && threshold > 0.0) {
        let message = format!("--threshold must be above 0, got {}", args.threshold);
        return Err(CliError::usage(message));
    }
    let base = records::load(slice::from_ref(&args.base))?;
    let new = records::load(slice::from_ref(&args.new))?;
    let comparison = Comparison::of(&base, &new, threshold);
    if comparison.pairs.is_empty() {
        return Err(CliError::usage(format!(
            "{} and {} have no run in common",
            args.base.display(),
            args.new.display()
        )));
    }
    let text = match args.format {
        CompareFormat::Terminal => show::terminal(&comparison, terminal::stdout()),
        CompareFormat::Markdown => show::markdown(&comparison),
        CompareFormat::Json => show::json(&comparison).map_err(CliError::failed)?,
    };
    terminal::print(&text)?;
    Ok(match comparison.has_regressed() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}
