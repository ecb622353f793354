//! One module per command.

pub(crate) mod bench;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod list;
pub(crate) mod machine;
pub(crate) mod manual;
pub(crate) mod micro;
pub(crate) mod project;
pub(crate) mod records;
pub(crate) mod registry;
pub(crate) mod report;
pub(crate) mod slurm;
mod support;

use nongemm_core::plugin::{Availability, Backend, Plugins};

use crate::error::CliError;

/// A backend that can be used here.
///
/// # Errors
/// When its id is unknown or something is missing.
fn ready_backend(id: &str, plugins: &Plugins) -> Result<&'static dyn Backend, CliError> {
    let entry = plugins.backends.find(id).map_err(CliError::usage)?;
    let available = entry.guard(|backend| backend.check());
    match available.map_err(CliError::failed)? {
        Availability::Ready { .. } => Ok(entry.plugin),
        Availability::Missing { reason, remedy } => {
            Err(CliError::usage(format!("backend {id}: {reason}; {remedy}")))
        }
    }
}

/// The number of threads that was asked for, else all processors that this process may use.
///
/// # Errors
/// When it is 0.
fn threads(asked: Option<usize>) -> Result<usize, CliError> {
    match asked {
        Some(0) => Err(CliError::usage("--threads must be at least 1")),
        Some(threads) => Ok(threads),
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
    }
}
