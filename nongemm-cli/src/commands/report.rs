//! `nongemm report`: results on disk to reports.

use std::process::ExitCode;

use nongemm_core::plugin::Plugins;
use nongemm_core::plugin::ReportTarget;
use nongemm_core::record::store;

use super::bench::is_broken_pipe;
use super::records;
use crate::args::ReportArgs;
use crate::error::CliError;
use crate::terminal;

/// Runs the command.
pub(crate) fn run(args: &ReportArgs, plugins: &Plugins) -> Result<ExitCode, CliError> {
    let mut reporters = Vec::new();
    for id in formats(args) {
        let reporter = plugins.reporters.find(id).map_err(CliError::usage)?;
        let needs_folder = reporter.guard(|reporter| reporter.needs_folder());
        if args.out.is_none() && needs_folder.map_err(CliError::failed)? {
            return Err(CliError::usage(format!(
                "`{id}` is not for standard output; name a folder with --out"
            )));
        }
        reporters.push(reporter);
    }
    let records = records::load(&args.dirs)?;
    if let Some(out) = &args.out {
        store::ensure_writable(out).map_err(CliError::usage)?;
    }
    for reporter in reporters {
        let mut stdout = std::io::stdout().lock();
        let mut target = match &args.out {
            Some(out) => ReportTarget::Folder(out),
            None => ReportTarget::Stream(&mut stdout, terminal::stdout()),
        };
        let reported = reporter.guard(|reporter| reporter.report(&records, &mut target));
        match reported.map_err(CliError::failed)? {
            Ok(()) => {}
            Err(error) if is_broken_pipe(&error) => break,
            Err(error) => return Err(CliError::failed(error)),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The reporters that are asked for: a study that results are held against is one too.
fn formats(args: &ReportArgs) -> Vec<&str> {
    let named = args.format.iter().chain(&args.against);
    let mut ids: Vec<&str> = named.map(String::as_str).collect();
    if ids.is_empty() {
        ids.push("terminal");
    }
    ids
}
