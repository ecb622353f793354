//! Errors of the command line and their exit codes.

use std::fmt::Display;
use std::process::ExitCode;

use nongemm_core::registry::FilterError;
use nongemm_report::text::visible;

/// Why a command ends early. Printed as one line on standard error.
#[derive(Debug)]
pub(crate) enum CliError {
    /// The request cannot be carried out as it stands: exit code 2.
    Usage(String),
    /// An expression that cannot be read: one line, then the expression with a mark; exit code 2.
    Filter(FilterError),
    /// Something failed while carrying it out: exit code 1.
    Failed(String),
}

impl CliError {
    /// Bad usage or input.
    pub(crate) fn usage(error: impl Display) -> Self {
        CliError::Usage(format!("{error:#}"))
    }

    /// A filter that is none.
    pub(crate) fn filter(error: FilterError) -> Self {
        CliError::Filter(error)
    }

    /// A failure that is not the request's fault.
    pub(crate) fn failed(error: impl Display) -> Self {
        CliError::Failed(format!("{error:#}"))
    }
}

/// Prints an error, if there is one, and returns the exit code.
pub(crate) fn exit_code(result: Result<ExitCode, CliError>) -> ExitCode {
    let (message, code) = match result {
        Ok(code) => return code,
        Err(CliError::Usage(message)) => (message, 2),
        Err(CliError::Filter(error)) => {
            eprintln!("nongemm: {error}\n{}", error.excerpt());
            return ExitCode::from(2);
        }
        Err(CliError::Failed(message)) => (message, 1),
    };
    warn(&message);
    ExitCode::from(code)
}

/// Prints a message as one line on standard error. It may hold names from files of any origin.
pub(crate) fn warn(message: &str) {
    eprintln!("nongemm: {}", visible(&one_line(message)));
}

/// Prints clap's message: help and version as they are, errors as one line.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| {
        !line.is_empty() && !line.starts_with("Usage:") && !line.starts_with("For more information")
    });
    let first = lines.next().unwrap_or_default();
    let rest: Vec<&str> = lines.collect();
    let message = first.strip_prefix("error: ").unwrap_or(first);
    let tail = if rest.is_empty() {
        String::new()
    } else {
        format!(" {}", rest.join("; "))
    };
    warn(&format!("{message}{tail}"));
    ExitCode::from(2)
}

fn one_line(message: &str) -> String {
    message.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
