//! The parent's side: starts a worker, asks it, and notices its end.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use nongemm_core::record::Outcome;
use serde::Serialize;

use super::{Ready, Reply, Request, Setup};
use crate::supervisor;

/// How long a worker may take to start: libraries load, the clock and an empty run are measured.
const START: Duration = Duration::from_secs(120);

/// How long a call may take beside its samples.
const PATIENCE: Duration = Duration::from_secs(120);

/// What came of a question.
pub(crate) enum Spoken {
    /// An answer; the worker goes on.
    Answer(Outcome),
    /// The worker is gone: how it ended.
    Gone(String),
    /// The user wants to stop.
    Interrupted,
}

/// A running worker.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    replies: Receiver<Reply>,
    last_words: Option<JoinHandle<String>>,
}

impl Process {
    /// Starts a worker and waits until it can measure.
    ///
    /// # Errors
    /// When it cannot, or the user interrupts.
    pub(crate) fn start(
        setup: &Setup,
        environment: &[(String, String)],
        interrupted: &AtomicBool,
    ) -> anyhow::Result<(Self, Ready)> {
        let mut child = supervisor::start("alone", environment)?;
        let stdin = child.stdin.take();
        let stderr = child.stderr.take();
        let last_words = stderr.map(|pipe| thread::spawn(|| supervisor::tail(pipe)));
        let (sender, replies) = channel();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if let Ok(reply) = serde_json::from_str::<Reply>(&line)
                        && sender.send(reply).is_err()
                    {
                        break;
                    }
                }
            });
        }
        let mut process = Process {
            child,
            stdin,
            replies,
            last_words,
        };
        match process.ask(setup, START, interrupted) {
            Ok(Some(Reply::Ready(ready))) => Ok((process, *ready)),
            Ok(Some(Reply::Unusable(reason))) => anyhow::bail!("{reason}"),
            Ok(Some(Reply::Done(_))) => anyhow::bail!("the worker answered out of turn"),
            Ok(None) => anyhow::bail!("interrupted"),
            Err(end) => anyhow::bail!("{end}"),
        }
    }

    /// Has a call measured.
    pub(crate) fn call(&mut self, request: &Request, interrupted: &AtomicBool) -> Spoken {
        let samples = Duration::from_nanos(request.max_time_ns);
        match self.ask(request, PATIENCE + 10 * samples, interrupted) {
            Ok(Some(Reply::Done(outcome))) => Spoken::Answer(*outcome),
            Ok(Some(_)) => Spoken::Gone("the worker answered out of turn".to_owned()),
            Ok(None) => Spoken::Interrupted,
            Err(end) => Spoken::Gone(end),
        }
    }

    /// Sends a line and waits for the next one; nothing if the user interrupts meanwhile, an error with
    /// the worker's end if it is gone or had to be ended.
    fn ask(
        &mut self,
        question: &impl Serialize,
        patience: Duration,
        interrupted: &AtomicBool,
    ) -> Result<Option<Reply>, String> {
        if let Err(error) = self.send(question) {
            return Err(self.end(Some(format!("{error:#}"))));
        }
        let since = Instant::now();
        loop {
            match self.replies.recv_timeout(Duration::from_millis(100)) {
                Ok(reply) => return Ok(Some(reply)),
                Err(RecvTimeoutError::Disconnected) => return Err(self.end(None)),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if interrupted.load(Ordering::Relaxed) {
                return Ok(None);
            }
            if since.elapsed() > patience {
                let took = format!("no answer within {} s", patience.as_secs());
                return Err(self.end(Some(took)));
            }
        }
    }

    fn send(&mut self, question: &impl Serialize) -> anyhow::Result<()> {
        let mut line = serde_json::to_string(question)?;
        line.push('\n');
        let stdin = self.stdin.as_mut().context("the worker is gone")?;
        // A worker that is gone is reported by its end.
        let _ = stdin.write_all(line.as_bytes());
        Ok(())
    }

    /// Ends the worker and says how it ended: in the parent's words where it had to end it.
    fn end(&mut self, why: Option<String>) -> String {
        self.stdin = None;
        if why.is_some() {
            let _ = self.child.kill();
        }
        let status = self.child.wait();
        let last_words = self.last_words.take().and_then(|thread| thread.join().ok());
        match (why, status) {
            (Some(why), _) => why,
            (None, Ok(status)) => {
                supervisor::describe(status, false, &last_words.unwrap_or_default())
            }
            (None, Err(error)) => error.to_string(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
