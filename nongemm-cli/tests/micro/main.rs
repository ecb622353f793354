//! Operators alone, through the real binary.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../common/mod.rs"]
mod common;
mod interrupted;
mod refused;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Done, bench, done, nongemm, run};
use nongemm_core::record::MicroRecord;
use nongemm_core::record::micro_store;

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

fn record(folder: &Path) -> MicroRecord {
    let file = folder.join("results/micro-candle-cpu-as-met-t1/micro.json");
    micro_store::read(&file).unwrap()
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
