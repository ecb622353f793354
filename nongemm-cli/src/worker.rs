//! The worker process: one job from standard input, events and the record on standard output.
//!
//! A worker dies with its parent (Linux), finishes its sample and its record when interrupted, and
//! never writes results itself: the parent does, so that a worker that is killed loses only its run.

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nongemm_core::described;
use nongemm_core::plugin::Plugins;
use nongemm_core::record::RunRecord;
use nongemm_core::run::{Event, Job, MEASURING, execute, failed};
use serde::{Deserialize, Serialize};

use crate::allocator;
use crate::error::CliError;

/// One line of a worker's standard output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Message {
    /// How it gets on.
    Event(Event),
    /// The result; the last line.
    Record(Box<RunRecord>),
}

fn send(message: &Message) -> std::io::Result<()> {
    let mut line = serde_json::to_string(message)?;
    line.push('\n');
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.flush()
}

/// Runs the job on standard input.
pub(crate) fn run(plugins: &mut Plugins) -> Result<ExitCode, CliError> {
    die_with_parent();
    die_before_parent();
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [libc::SIGINT, libc::SIGTERM] {
        signal_hook::flag::register(signal, interrupted.clone()).map_err(CliError::failed)?;
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(CliError::failed)?;
    let job: Job = serde_json::from_str(&line).map_err(CliError::usage)?;
    let mut pinned = None;
    let mut events = |event| {
        // Not before: what loading needed for a while goes back to the system.
        if matches!(&event, Event::Phase { name } if name == MEASURING) {
            pinned = Some(allocator::pin());
        }
        // A parent that is gone is noticed when the record is sent.
        let _ = send(&Message::Event(event));
    };
    let mut record = match described::register(plugins, job.described.as_slice()) {
        Ok(()) => execute(&job, plugins, &interrupted, &mut events),
        Err(error) => failed(&job.spec, error.to_string()),
    };
    if let Some(how) = pinned {
        record.software.modes.insert("allocator".to_owned(), how);
    }
    send(&Message::Record(Box::new(record))).map_err(CliError::failed)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(target_os = "linux")]
pub(crate) fn die_with_parent() {
    // SAFETY: PR_SET_PDEATHSIG takes a signal number and touches no memory of this process.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn die_with_parent() {}

/// Where memory runs out, the system kills this process rather than its parent, which records it. The
/// value may only be raised; where that is refused, the larger process is killed, which is this one too.
fn die_before_parent() {
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
}
