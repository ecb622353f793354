//! Runs that are killed or interrupted: the others' results stay whole.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};

use common::{QUICK, bench, done, json_files, nongemm, records, signal, wait_for, workers};
use nongemm_core::measure::Stop;
use nongemm_core::record::Status;

/// Starts `nongemm bench` on small models, with limits from `extra` alone.
fn start(out: &Path, extra: &[&str]) -> Child {
    let out = out.to_str().unwrap();
    let sizes = &QUICK[..QUICK.len() - 4];
    nongemm(&[&["bench", "--out", out], sizes, extra].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Starts gpt2, then bert, measured as the lines of `measure` say.
fn start_two(folder: &Path, results: &Path, measure: &str) -> Child {
    let manifest = folder.join("m.toml");
    let text = format!("[measure]\n{measure}\n[[run]]\nmodel = [\"gpt2\", \"bert\"]\n");
    std::fs::write(&manifest, text).unwrap();
    start(results, &[manifest.to_str().unwrap()])
}

#[test]
fn a_killed_worker_costs_one_run() {
    let out = tempfile::tempdir().unwrap();
    let results = out.path().join("results");
    let measure = "min-samples = 3\nmax-samples = 4000\nmax-time = \"3s\"\ntarget-ci = 0.0001";
    let child = start_two(out.path(), &results, measure);
    let worker = wait_for("worker", || workers(child.id()).first().copied());
    signal(worker, libc::SIGKILL);
    let done = done(&child.wait_with_output().unwrap());
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let records = records(&results);
    let of = |model: &str| records.iter().find(|r| r.spec.model == model).unwrap();
    assert_eq!(of("gpt2").status, Status::Failed);
    assert!(of("gpt2").error.as_ref().unwrap().contains("signal 9"));
    assert_eq!(of("bert").status, Status::Ok, "{:?}", of("bert").error);
    assert!(done.stdout.contains("signal 9"), "{}", done.stdout);
}

#[test]
fn an_interrupt_finishes_the_record_and_exits_with_130() {
    let out = tempfile::tempdir().unwrap();
    let results = out.path().join("results");
    let measure = "min-samples = 3\nmax-samples = 1000000\nmax-time = \"1h\"\ntarget-ci = 1e-9";
    let child = start_two(out.path(), &results, measure);
    wait_for("worker", || workers(child.id()).first().copied());
    std::thread::sleep(std::time::Duration::from_secs(3));
    signal(child.id(), libc::SIGINT);
    let done = done(&child.wait_with_output().unwrap());
    assert_eq!(done.code, Some(130), "{}", done.stderr);
    let records = records(&results);
    assert_eq!(records.len(), 1, "the second run was not started");
    assert_eq!(records[0].status, Status::Ok, "{:?}", records[0].error);
    let latency = records[0].latency.as_ref().unwrap();
    assert_eq!(latency.stop, Stop::Interrupted);
    assert!(latency.n >= 3);
    assert!(
        done.stderr.contains("1 of 2 runs were not started"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_killed_parent_takes_its_worker_along_and_leaves_earlier_results() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(bench(out.path(), &["--model", "resnet50"]).code, Some(0));
    let before = json_files(out.path());
    let mut child = start(out.path(), &["--model", "gpt2", "--max-time", "1h"]);
    let worker = wait_for("worker", || workers(child.id()).first().copied());
    signal(child.id(), libc::SIGKILL);
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(libc::SIGKILL));
    wait_for("end of the worker", || {
        let stat = std::fs::read_to_string(format!("/proc/{worker}/stat")).unwrap_or_default();
        let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
        (state.is_empty() || state.starts_with('Z')).then_some(())
    });
    assert_eq!(json_files(out.path()), before);
    assert_eq!(records(out.path())[0].status, Status::Ok);
}

#[test]
fn a_result_that_cannot_be_written_is_on_the_screen() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(bench(out.path(), &["--model", "gpt2"]).code, Some(0));
    let record = json_files(out.path()).remove(0);
    std::fs::remove_dir_all(record.parent().unwrap()).unwrap();
    std::fs::write(record.parent().unwrap(), "in the way").unwrap();
    let done = bench(out.path(), &["--model", "gpt2"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stdout.contains("Latency"), "{}", done.stdout);
    let last = done.stderr.lines().last().unwrap();
    assert!(last.starts_with("nongemm: cannot "), "{last}");
}

#[test]
fn a_model_that_cannot_fit_is_refused_with_the_numbers() {
    let out = tempfile::tempdir().unwrap();
    let args = [
        "--model",
        "gpt2-xl",
        "--set",
        "hidden=65536",
        "--set",
        "heads=4",
    ];
    let done = bench(out.path(), &args);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let records = records(out.path());
    let refused = records.iter().find(|r| r.spec.model == "gpt2-xl").unwrap();
    let error = refused.error.as_ref().unwrap();
    assert!(
        error.contains("gpt2-xl needs ") && error.contains(" MiB are available"),
        "{error}"
    );
    assert!(refused.memory.unwrap().weights_bytes > 1 << 30);
}
