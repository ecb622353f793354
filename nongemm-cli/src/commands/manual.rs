//! `nongemm completions` and `nongemm man`, from the definitions of the arguments.

use std::fs;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::error::CliError;
use crate::terminal;

/// Prints what a shell needs to complete commands and flags.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "nongemm", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page, or writes it and those of all commands into a folder.
pub(crate) fn man(args: &ManArgs) -> Result<ExitCode, CliError> {
    let command = Cli::command();
    let Some(out) = &args.out else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(command).render(&mut page);
        rendered.map_err(CliError::failed)?;
        terminal::print(&String::from_utf8_lossy(&page))?;
        return Ok(ExitCode::SUCCESS);
    };
    let unwritable = |error| CliError::usage(format!("cannot write to {}: {error}", out.display()));
    fs::create_dir_all(out).map_err(unwritable)?;
    clap_mangen::generate_to(command, out).map_err(unwritable)?;
    Ok(ExitCode::SUCCESS)
}
