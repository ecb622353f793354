//! Panics, defects of this program or of a plugin, are one line on standard error.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::process::ExitCode;

use nongemm_core::plugin::{acting, is_guarded};

/// What the line begins with, after the name of the program.
pub(crate) const PANICKED: &str = "panicked at ";

/// Runs a command; a panic is exit code 1.
pub(crate) fn catch(command: impl FnOnce() -> ExitCode) -> ExitCode {
    set_hook(Box::new(|info| {
        if is_guarded() {
            return;
        }
        let message = info.payload_as_str().unwrap_or("no message");
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let place = info.location().map(ToString::to_string);
        let place = place.unwrap_or_else(|| "an unknown place".to_owned());
        // Whose it is, where a plugin is being called: its own, or that of what it calls.
        let calling = acting().map(|plugin| format!(" in {plugin}"));
        let calling = calling.unwrap_or_default();
        eprintln!("nongemm: {PANICKED}{place}{calling}: {message}");
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            eprintln!("{backtrace}");
        }
    }));
    catch_unwind(AssertUnwindSafe(command)).unwrap_or(ExitCode::FAILURE)
}
