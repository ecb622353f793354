//! Operators alone, through the real binary.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs;
use std::io::Read;
use std::os::fd::FromRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::{Done, bench, done, nongemm, run, signal, wait_for};
use nongemm_core::record::micro_store;
use nongemm_core::record::{MicroEntry, MicroRecord, Outcome};

/// Limits that make a test short.
const SHORT: &[&str] = &["--max-time", "20ms", "--min-samples", "6"];

/// A list of calls beside the results.
fn list(folder: &Path, calls: &serde_json::Value) -> PathBuf {
    let file = folder.join("calls.json");
    fs::write(&file, calls.to_string()).unwrap();
    file
}

fn softmax(rows: usize) -> serde_json::Value {
    serde_json::json!({"op": "softmax", "attrs": {"dim": -1},
        "inputs": [{"dtype": "f32", "shape": [rows, 8]}]})
}

/// `micro` on a list of calls, with one thread of candle.
fn command(folder: &Path, file: &Path, extra: &[&str]) -> Command {
    let out = folder.join("results");
    let files = [
        "--registry",
        file.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let args = ["micro", "--backend", "candle", "--threads", "1"];
    nongemm(&[&args[..], &files, extra].concat())
}

fn micro(folder: &Path, file: &Path, extra: &[&str]) -> Done {
    let mut command = command(folder, file, &[SHORT, extra].concat());
    done(&command.output().unwrap())
}

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

fn record(folder: &Path) -> MicroRecord {
    let file = folder.join("results/micro-candle-cpu-as-met-t1/micro.json");
    micro_store::read(&file).unwrap()
}

fn reason(entry: &MicroEntry) -> &str {
    match &entry.outcome {
        Outcome::Refused { reason } => reason,
        other => panic!("{}: {other:?}", entry.call.op),
    }
}

#[test]
fn bad_entries_are_refused_one_by_one_and_the_rest_runs() {
    let folder = tempfile::tempdir().unwrap();
    let f32 = |shape: serde_json::Value| serde_json::json!([{"dtype": "f32", "shape": shape}]);
    let calls = serde_json::json!([
        softmax(4),
        {"op": "softmax", "attrs": {"dim": -1}, "inputs": f32(serde_json::json!([-4, 8]))},
        {"op": "sotfmax", "attrs": {"dim": -1}, "inputs": f32(serde_json::json!([4, 8]))},
        {"op": "softmax", "attrs": {"dim": 7}, "inputs": f32(serde_json::json!([4, 8]))},
        {"op": "clone", "inputs": f32(serde_json::json!([2_500_000_000_000u64]))},
        {"op": "clone", "inputs": f32(serde_json::json!(["boxes"]))},
        {"op": "clone", "inputs": "none"},
        softmax(5),
    ]);
    let done = micro(folder.path(), &list(folder.path(), &calls), &[]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let record = record(folder.path());
    let entries = &record.entries;
    for index in [0, 7] {
        let times = entries[index].outcome.times().unwrap();
        assert!(times.hot.n >= 6 && times.hot.median_ns > 0.0);
        assert!(times.cold.as_ref().unwrap().n >= 3);
        assert!(entries[index].bytes_per_s.unwrap() > 0.0);
    }
    assert!(record.overhead.is_some() && record.clock.resolution_ns > 0);
    assert!(record.flushed_bytes > 1 << 20);
    let expected = [
        (1, "-4"),
        (2, "did you mean `softmax`"),
        (3, "axis 7"),
        (4, "MiB are available"),
        (5, "only data decide"),
        (6, "clone"),
    ];
    for (index, words) in expected {
        let reason = reason(&entries[index]);
        assert!(reason.contains(words), "{index}: {reason}");
    }
    assert!(
        done.stdout.contains("2 measured, 6 refused, 0 failed"),
        "{}",
        done.stdout
    );
}

#[test]
fn bad_lines_of_a_registry_file_are_refused_one_by_one_and_the_rest_runs() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = [
        serde_json::json!([4, 8]),
        serde_json::json!([-4, 8]),
        serde_json::json!([2_500_000_000_000u64]),
    ];
    let specs = sizes.map(|shape| serde_json::json!({"dtype": "f32", "shape": shape}));
    let header = serde_json::json!({"nongemm_registry": 1, "names": ["ir", "softmax", "sotfmax"],
        "specs": specs, "occasions": []});
    let line = |op: usize, attrs: serde_json::Value, spec: usize| {
        serde_json::json!({"v": 0, "o": op, "g": "logit", "a": attrs, "i": [spec], "m": []})
            .to_string()
    };
    let last = || serde_json::json!({"dim": -1});
    let lines = [
        header.to_string(),
        line(1, last(), 0),
        line(1, last(), 1),
        line(2, last(), 0),
        line(1, serde_json::json!({"dim": "last"}), 0),
        line(1, last(), 2),
        line(1, serde_json::json!(7), 0),
        "{".to_owned(),
        line(1, serde_json::json!({"dim": 0}), 0),
    ];
    let file = folder.path().join("hand.registry");
    fs::write(&file, lines.join("\n")).unwrap();
    let done = micro(folder.path(), &file, &[]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stdout.contains("2 measured, 6 refused, 0 failed"),
        "{}",
        done.stdout
    );
    let record = record(folder.path());
    let refused = |entry: &&MicroEntry| entry.outcome.times().is_none();
    let reasons: Vec<&str> = record.entries.iter().filter(refused).map(reason).collect();
    let expected = [
        "the negative size -4",
        "did you mean `softmax`",
        "invalid type: string",
        "takes more than 1 TiB",
        "line 7: softmax",
        "line 8",
    ];
    for words in expected {
        let found = reasons.iter().filter(|reason| reason.contains(words));
        assert_eq!(found.count(), 1, "{words}: {reasons:?}");
    }
    let file = file.to_str().unwrap();
    let done = run(&["registry", "stats", "--registry", file, "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stderr.ends_with("4 lines refused\n"),
        "{}",
        done.stderr
    );
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

/// Without a sensor there is a reason, and times all the same.
#[test]
fn energy_is_measured_or_there_is_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = list(folder.path(), &serde_json::json!([softmax(4)]));
    assert_eq!(micro(folder.path(), &file, &[]).code, Some(0));
    let reason = record(folder.path()).energy_unavailable;
    assert_eq!(reason.as_deref(), Some("not asked for (--energy)"));
    let done = micro(folder.path(), &file, &["--energy"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let record = record(folder.path());
    let times = record.entries[0].outcome.times().unwrap();
    match &record.energy_unavailable {
        Some(reason) => {
            assert!(times.energy.is_empty());
            assert!(done.stdout.contains(reason.as_str()), "{}", done.stdout);
        }
        None => assert!(!times.energy.is_empty() || !times.energy_left_out.is_empty()),
    }
}

#[test]
fn operators_of_a_run_stand_beside_themselves_alone() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let done = bench(&runs, &["--model", "gpt2", "--threads", "1"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let out = folder.path().join("results");
    let args = ["micro", "--backend", "candle", "--threads", "1", "--from"];
    let paths = [runs.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let filter = ["--filter", "group=normalization"];
    let done = run(&[&args[..], &paths, &filter, SHORT].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let record = record(folder.path());
    assert!(!record.entries.is_empty());
    for entry in &record.entries {
        let inside = &entry.in_model[0];
        assert_eq!(inside.model, "gpt2");
        assert!(inside.count > 0 && inside.ratio > 0.0);
        let [low, high] = inside.ratio_ci95;
        assert!(low <= inside.ratio && inside.ratio <= high, "{inside:?}");
        assert_eq!(entry.models, ["gpt2"]);
    }
    assert!(done.stdout.contains("in model / alone"), "{}", done.stdout);
}

#[test]
fn what_a_user_gets_wrong_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = list(folder.path(), &serde_json::json!([softmax(4)]));
    let file = file.to_str().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["micro", "--registry", file], "--backend"),
        (
            &["micro", "--registry", file, "--backend", "candel"],
            "candle",
        ),
        (
            &["micro", "--registry", "no.json", "--backend", "candle"],
            "no.json",
        ),
        (
            &[
                "micro",
                "--registry",
                file,
                "--backend",
                "candle",
                "--threads",
                "0",
            ],
            "--threads",
        ),
        (
            &[
                "micro",
                "--registry",
                file,
                "--backend",
                "candle",
                "--dtype",
                "i64",
            ],
            "i64",
        ),
        (
            &["micro", "--from", "nowhere", "--backend", "candle"],
            "nowhere",
        ),
        (&["machine", "--backend", "candel"], "candle"),
        (&["machine", "--device", "gpu"], "cpu, cuda:N"),
    ];
    for (args, words) in cases {
        let done = run(args);
        assert_eq!(done.code, Some(2), "{args:?}: {}", done.stderr);
        assert!(done.stderr.contains(words), "{args:?}: {}", done.stderr);
        assert_eq!(done.stderr.trim_end().lines().count(), 1, "{}", done.stderr);
    }
}
