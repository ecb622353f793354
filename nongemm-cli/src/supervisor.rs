//! The parent's side of a worker process: starts it, follows it, and turns any end into a record.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use nongemm_core::record::RunRecord;
use nongemm_core::run::{Event, Job, failed};

use crate::panics::PANICKED;
use crate::worker::Message;

/// How long an interrupted worker may take to finish its sample and its record.
const GRACE: Duration = Duration::from_secs(20);

/// How the standard library's message begins before it aborts, on the line before a backtrace.
const NO_MEMORY: &str = "memory allocation of ";

/// What a worker is stopped by.
pub(crate) struct Supervision<'a> {
    /// Set when the user interrupts: the worker is asked to finish.
    pub(crate) interrupted: &'a AtomicBool,
    /// Time for the whole run: a worker that takes longer hangs, and is killed.
    pub(crate) timeout: Duration,
}

/// Runs a job in a worker process with `environment` and returns its record, whatever happens to it.
pub(crate) fn run(
    job: &Job,
    environment: &[(String, String)],
    supervision: &Supervision<'_>,
    on_event: &mut dyn FnMut(&Event),
) -> RunRecord {
    match supervise(job, environment, supervision, on_event) {
        Ok(record) => record,
        Err(error) => failed(&job.spec, format!("{error:#}")),
    }
}

/// How a worker is ended from here.
enum Ending {
    /// By the user, who waits since then.
    Interrupted(Instant),
    /// It took too long.
    TimedOut,
}

fn supervise(
    job: &Job,
    environment: &[(String, String)],
    supervision: &Supervision<'_>,
    on_event: &mut dyn FnMut(&Event),
) -> anyhow::Result<RunRecord> {
    let started = Instant::now();
    let mut child = start("worker", environment)?;
    let mut input = serde_json::to_string(job)?;
    input.push('\n');
    if let Some(mut stdin) = child.stdin.take() {
        // A worker that dies at once is reported by its exit status below.
        let _ = stdin.write_all(input.as_bytes());
    }
    let stderr = child.stderr.take().map(|pipe| thread::spawn(|| tail(pipe)));
    let messages = messages(&mut child);
    let mut record = None;
    let mut phase = "starting".to_owned();
    let mut ending: Option<Ending> = None;
    loop {
        match messages.recv_timeout(Duration::from_millis(100)) {
            Ok(Message::Event(event)) => {
                if let Event::Phase { name } = &event {
                    phase.clone_from(name);
                }
                on_event(&event);
            }
            Ok(Message::Record(done)) => record = Some(*done),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        match &ending {
            Some(Ending::Interrupted(since)) if since.elapsed() > GRACE => kill_all(&child),
            Some(_) => {}
            None if started.elapsed() > supervision.timeout => {
                kill_all(&child);
                ending = Some(Ending::TimedOut);
            }
            None if supervision.interrupted.load(Ordering::Relaxed) => {
                interrupt(&child);
                ending = Some(Ending::Interrupted(Instant::now()));
            }
            None => {}
        }
    }
    let status = child.wait()?;
    let last_words = stderr.and_then(|t| t.join().ok()).unwrap_or_default();
    if let Some(record) = record {
        return Ok(record);
    }
    let error = match ending {
        Some(Ending::TimedOut) => format!(
            "the worker was still {phase} after {} (run-timeout) and was killed",
            humantime::format_duration(supervision.timeout)
        ),
        _ => describe(status, ending.is_some(), &last_words),
    };
    Ok(failed(&job.spec, error))
}

/// What a worker says on its standard output.
fn messages(child: &mut Child) -> Receiver<Message> {
    let (sender, messages) = std::sync::mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Ok(message) = serde_json::from_str::<Message>(&line)
                    && sender.send(message).is_err()
                {
                    break;
                }
            }
        });
    }
    messages
}

/// Starts this program's hidden `command` with `environment`, its streams piped.
pub(crate) fn start(command: &str, environment: &[(String, String)]) -> anyhow::Result<Child> {
    let name = command;
    let binary = std::env::current_exe()?;
    let mut command = Command::new(binary);
    if std::env::var_os("RUST_LIB_BACKTRACE").is_none() {
        // An error is one line; libraries would add a backtrace where one is asked for after panics.
        command.env("RUST_LIB_BACKTRACE", "0");
    }
    let child = command
        .arg(name)
        .envs(environment.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Its own process group: an interrupt from the keyboard goes to the parent alone, which
        // passes it on.
        .process_group(0)
        .spawn()?;
    Ok(child)
}

fn interrupt(child: &Child) {
    if let Ok(pid) = libc::pid_t::try_from(child.id()) {
        // SAFETY: sends a signal; the child has not been waited for, so the id is still its own.
        unsafe {
            libc::kill(pid, libc::SIGINT);
        }
    }
}

/// Kills a worker and the processes that it started: they are its process group.
fn kill_all(child: &Child) {
    if let Ok(pid) = libc::pid_t::try_from(child.id()) {
        // SAFETY: sends a signal; the child has not been waited for, so the id is still its own.
        unsafe {
            libc::kill(-pid, libc::SIGKILL);
        }
    }
}

/// What a worker said last: the message of a panic or of the allocator, else the last line that is not empty; at most 400
/// characters.
pub(crate) fn tail(mut pipe: impl Read) -> String {
    let mut text = String::new();
    let _ = pipe.read_to_string(&mut text);
    let panic = text
        .lines()
        .find_map(|line| line.find(PANICKED).map(|at| &line[at..]));
    let allocator = text.lines().find(|line| line.starts_with(NO_MEMORY));
    let last = text.lines().rev().map(str::trim).find(|l| !l.is_empty());
    let line = panic.or(allocator).or(last).unwrap_or_default();
    line.chars().take(400).collect()
}

/// How a worker ended.
pub(crate) fn describe(status: ExitStatus, interrupted: bool, last_words: &str) -> String {
    let cause = match (status.signal(), status.code()) {
        _ if interrupted => "interrupted before it had a result".to_owned(),
        (Some(libc::SIGKILL), _) => {
            "the worker was killed (signal 9): out of memory, or by somebody".to_owned()
        }
        (Some(libc::SIGABRT), _) if last_words.starts_with(NO_MEMORY) => {
            "the worker is out of memory".to_owned()
        }
        (Some(signal), _) => format!("the worker was killed by signal {signal}"),
        (None, Some(code)) => format!("the worker ended with exit code {code}"),
        (None, None) => "the worker ended".to_owned(),
    };
    if last_words.is_empty() {
        cause
    } else {
        format!("{cause}: {last_words}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_a_description() {
        let killed = ExitStatus::from_raw(libc::SIGKILL);
        assert!(describe(killed, false, "").contains("out of memory"));
        assert!(describe(killed, true, "").starts_with("interrupted"));
        let aborted = ExitStatus::from_raw(libc::SIGABRT);
        assert_eq!(
            describe(aborted, false, "memory allocation of 9 bytes failed"),
            "the worker is out of memory: memory allocation of 9 bytes failed"
        );
        let crashed = ExitStatus::from_raw(libc::SIGSEGV);
        assert_eq!(
            describe(crashed, false, ""),
            "the worker was killed by signal 11"
        );
        let panicked = ExitStatus::from_raw(101 << 8);
        assert_eq!(
            describe(panicked, false, "boom"),
            "the worker ended with exit code 101: boom"
        );
    }

    #[test]
    fn the_last_line_is_kept() {
        assert_eq!(tail(&b"one\ntwo\n\n"[..]), "two");
        assert_eq!(tail(&b""[..]), "");
        assert_eq!(
            tail(&b"memory allocation of 9 bytes failed\n at x\n"[..]),
            "memory allocation of 9 bytes failed"
        );
        let panic = "nongemm: panicked at src/x.rs:1:2: boom\n   0: a frame\n";
        assert_eq!(tail(panic.as_bytes()), "panicked at src/x.rs:1:2: boom");
    }
}
