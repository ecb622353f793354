//! Events of Chrome's trace format, written as they come.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::json::visible;

/// A list of events that is being written.
pub(super) struct Events<'a> {
    out: &'a mut dyn Write,
    is_first: bool,
}

/// A time in nanoseconds as the format has it: microseconds.
fn micros(ns: u64) -> f64 {
    ns as f64 / 1e3
}

impl<'a> Events<'a> {
    /// Begins the document.
    pub(super) fn begin(out: &'a mut dyn Write) -> io::Result<Self> {
        out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
        Ok(Events {
            out,
            is_first: true,
        })
    }

    /// Ends the document.
    pub(super) fn finish(self) -> io::Result<()> {
        self.out.write_all(b"\n]}\n")
    }

    fn write(&mut self, event: &Value) -> io::Result<()> {
        self.out
            .write_all(if self.is_first { b"\n" } else { b",\n" })?;
        self.is_first = false;
        visible::write_compact(event, self.out)
    }

    /// Names a process, in the order of the numbers.
    pub(super) fn name_process(&mut self, pid: usize, name: &str, about: &Value) -> io::Result<()> {
        self.write(&json!({
            "ph": "M", "pid": pid, "tid": 0, "name": "process_name", "args": { "name": name }
        }))?;
        self.write(&json!({
            "ph": "M", "pid": pid, "tid": 0, "name": "process_labels",
            "args": { "labels": about.to_string() }
        }))?;
        self.write(&json!({
            "ph": "M", "pid": pid, "tid": 0, "name": "process_sort_index",
            "args": { "sort_index": pid }
        }))
    }

    /// Names a track.
    pub(super) fn name_track(&mut self, pid: usize, tid: usize, name: &str) -> io::Result<()> {
        self.write(&json!({
            "ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": { "name": name }
        }))
    }

    /// A slice from one moment to another.
    pub(super) fn slice(
        &mut self,
        (pid, tid): (usize, usize),
        (start_ns, end_ns): (u64, u64),
        (name, category): (&str, &str),
        args: Value,
    ) -> io::Result<()> {
        self.write(&json!({
            "ph": "X", "pid": pid, "tid": tid, "name": name, "cat": category,
            "ts": micros(start_ns), "dur": micros(end_ns.saturating_sub(start_ns)), "args": args
        }))
    }

    /// The value of a counter from a moment on.
    pub(super) fn counter(
        &mut self,
        pid: usize,
        name: &str,
        ns: u64,
        value: f64,
    ) -> io::Result<()> {
        self.write(&json!({
            "ph": "C", "pid": pid, "tid": 0, "name": name, "ts": micros(ns),
            "args": { "value": value }
        }))
    }
}
