//! Interruptions, crashes, resuming, progress.

use std::fs;
use std::io::Read;
use std::os::fd::FromRawFd;
use std::path::Path;
use std::process::{Child, Stdio};

use nongemm_core::record::{MicroEntry, MicroRecord, Outcome};

use crate::common::{done, signal, wait_for};
use crate::{SHORT, command, list, micro, record, softmax};

/// The same, started, with a few entries measured.
fn under_way(folder: &Path, file: &Path, extra: &[&str]) -> Child {
    let child = command(folder, file, extra)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = folder.join("results/micro-candle-cpu-as-met-t1/micro.jsonl");
    wait_for("entry", || {
        let text = fs::read_to_string(&lines).ok()?;
        (text.lines().count() > 3).then_some(())
    });
    child
}

#[test]
fn results_are_kept_when_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let file = list(folder.path(), &serde_json::json!([softmax(4)]));
    assert_eq!(micro(folder.path(), &file, &[]).code, Some(0));
    let first = record(folder.path());
    let file = list(folder.path(), &serde_json::json!([softmax(4), softmax(5)]));
    let done = micro(folder.path(), &file, &["--resume", "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let printed: Vec<MicroRecord> = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(printed[0].entries.len(), 2);
    assert_eq!(printed[0].entries[0], first.entries[0]);
    let done = micro(folder.path(), &file, &["--resume", "--target-ci", "7"]);
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(done.stderr.contains("other settings"), "{}", done.stderr);
}

/// The processes of `parent` that measure operators.
fn workers(parent: u32) -> Option<u32> {
    let children = format!("/proc/{parent}/task/{parent}/children");
    let children = fs::read_to_string(children).unwrap_or_default();
    children.split_whitespace().next()?.parse().ok()
}

#[test]
fn a_killed_worker_costs_one_entry() {
    let folder = tempfile::tempdir().unwrap();
    let calls: Vec<_> = (1..=40).map(softmax).collect();
    let file = list(folder.path(), &serde_json::json!(calls));
    let slow = ["--max-time", "100ms", "--target-ci", "0.0001"];
    let child = under_way(folder.path(), &file, &slow);
    signal(workers(child.id()).unwrap(), libc::SIGKILL);
    let done = done(&child.wait_with_output().unwrap());
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let record = record(folder.path());
    assert_eq!(record.entries.len(), 40);
    let failed: Vec<_> = record
        .entries
        .iter()
        .filter(|entry| entry.outcome.times().is_none())
        .collect();
    assert_eq!(failed.len(), 1);
    let Outcome::Failed { reason } = &failed[0].outcome else {
        panic!("{:?}", failed[0].outcome);
    };
    assert!(reason.contains("signal 9"), "{reason}");
}

#[test]
fn an_interrupt_keeps_what_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let calls: Vec<_> = (1..=500).map(softmax).collect();
    let file = list(folder.path(), &serde_json::json!(calls));
    let child = under_way(folder.path(), &file, &["--max-time", "20ms"]);
    signal(child.id(), libc::SIGINT);
    let done = done(&child.wait_with_output().unwrap());
    assert_eq!(done.code, Some(130), "{}", done.stderr);
    let entries = record(folder.path()).entries;
    assert!((3..500).contains(&entries.len()), "{}", entries.len());
    assert!(entries.iter().all(|entry| entry.outcome.times().is_some()));
}

/// Killed in the middle, then resumed: what was on the disk is kept as it is, the rest is measured.
#[test]
fn a_run_that_was_killed_is_resumed_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let calls: Vec<_> = (1..=40).map(softmax).collect();
    let file = list(folder.path(), &serde_json::json!(calls));
    let mut child = under_way(folder.path(), &file, SHORT);
    signal(child.id(), libc::SIGKILL);
    child.wait().unwrap();
    let lines = folder
        .path()
        .join("results/micro-candle-cpu-as-met-t1/micro.jsonl");
    let text = fs::read_to_string(&lines).unwrap();
    let whole = text.split_inclusive('\n').skip(1);
    let kept: Vec<MicroEntry> = whole
        .filter(|line| line.ends_with('\n'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!((3..40).contains(&kept.len()), "{}", kept.len());
    let done = micro(folder.path(), &file, &["--resume"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let entries = record(folder.path()).entries;
    assert_eq!(entries[..kept.len()], kept);
    assert_eq!(entries.len(), 40);
    assert!(entries.iter().all(|entry| entry.outcome.times().is_some()));
}

/// On a terminal there is a bar with the number of entries and the time that is left.
#[test]
fn a_terminal_shows_a_bar() {
    let folder = tempfile::tempdir().unwrap();
    let calls: Vec<_> = (1..=5).map(softmax).collect();
    let file = list(folder.path(), &serde_json::json!(calls));
    let (mut near, far) = terminal();
    let mut child = command(folder.path(), &file, SHORT)
        .stdout(Stdio::null())
        .stderr(far)
        .spawn()
        .unwrap();
    let mut shown = Vec::new();
    // A terminal without a program at its other end is an error.
    let _ = near.read_to_end(&mut shown);
    assert!(child.wait().unwrap().success());
    let shown = String::from_utf8_lossy(&shown);
    assert!(
        shown.contains("/5 ") && shown.contains("left: softmax"),
        "{shown}"
    );
}

/// Both ends of a terminal.
fn terminal() -> (fs::File, Stdio) {
    let (mut near, mut far) = (0, 0);
    let mut size = libc::winsize {
        ws_row: 40,
        ws_col: 200,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the descriptors and the size live through the call; no name and no settings are asked for.
    let opened = unsafe {
        libc::openpty(
            &raw mut near,
            &raw mut far,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            &raw mut size,
        )
    };
    assert_eq!(opened, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: both were just opened and are owned by nobody else.
    unsafe { (fs::File::from_raw_fd(near), Stdio::from_raw_fd(far)) }
}
