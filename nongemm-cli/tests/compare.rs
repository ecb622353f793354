//! `compare` and `project`, end to end.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::path::Path;

use common::{bench, records, run};
use nongemm_core::record::store;

fn results(out: &Path) -> String {
    assert_eq!(bench(out, &["--model", "bert"]).code, Some(0));
    out.to_str().unwrap().to_owned()
}

/// The same results with latencies around `ns`, spread evenly over 3%: what the machine that tests did says nothing.
fn taking(from: &Path, ns: u64, to: &Path) -> String {
    for mut record in records(from) {
        let latency = record.latency.as_mut().unwrap();
        latency.samples_ns = (0..16).map(|sample| ns + ns / 500 * sample).collect();
        latency.n = latency.samples_ns.len();
        let middle = ns as f64 * 1.015;
        latency.median_ns = middle;
        latency.ci95_ns = [middle * 0.99, middle * 1.01];
        store::write(to, &record).unwrap();
    }
    to.to_str().unwrap().to_owned()
}

#[test]
fn a_slower_run_is_exit_code_1_and_the_same_one_is_0() {
    let folder = tempfile::tempdir().unwrap();
    let measured = folder.path().join("measured");
    results(&measured);
    let base = taking(&measured, 1_000_000, &folder.path().join("base"));
    let slow = taking(&measured, 4_000_000, &folder.path().join("new"));

    let same = run(&["compare", &base, &base]);
    assert_eq!(same.code, Some(0), "{}", same.stderr);
    assert!(
        same.stdout.starts_with("1 run compared: "),
        "{}",
        same.stdout
    );
    let slower = run(&["compare", &base, &slow, "--threshold", "1"]);
    assert_eq!(slower.code, Some(1), "{}{}", slower.stdout, slower.stderr);
    assert!(slower.stderr.is_empty(), "{}", slower.stderr);
    assert!(slower.stdout.contains("1 slower"), "{}", slower.stdout);
    let faster = run(&[
        "compare",
        &slow,
        &base,
        "--threshold",
        "1",
        "--format",
        "markdown",
    ]);
    assert_eq!(faster.code, Some(0));
    assert!(
        faster
            .stdout
            .starts_with("### nongemm: 1 run compared: 1 faster")
    );
    let json = run(&["compare", &base, &slow, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["pairs"][0]["latency"]["verdict"], "slower");
    // A file is a place too.
    let file = common::json_files(Path::new(&base)).remove(0);
    let file = run(&["compare", file.to_str().unwrap(), &base]);
    assert_eq!(file.code, Some(0), "{}", file.stderr);
}

#[test]
fn what_cannot_be_compared_or_projected_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bert = results(&folder.path().join("bert"));
    let other = folder.path().join("other");
    assert_eq!(bench(&other, &["--model", "resnet50"]).code, Some(0));
    let other = other.to_str().unwrap();
    let refused = |args: &[&str], expected: &str| {
        let done = run(args);
        assert_eq!(done.code, Some(2), "{args:?}: {}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        assert!(done.stderr.contains(expected), "{}", done.stderr);
    };
    refused(&["compare", &bert, other], "have no run in common");
    refused(&["compare", &bert, "/nowhere"], "cannot read /nowhere");
    refused(
        &["compare", &bert, &bert, "--threshold", "0"],
        "--threshold must be above 0",
    );
    refused(
        &["compare", &bert, &bert, "--threshold", "NaN"],
        "--threshold must be above 0",
    );
    refused(&["compare", &bert, &bert, "--format", "html"], "html");
    refused(&["project", &bert], "--speedup");
    refused(
        &["project", &bert, "--speedup", "gem=2"],
        "unknown group `gem`; did you mean `gemm`?",
    );
    refused(
        &["project", &bert, "--speedup", "gemm=0"],
        "a number above 0, got `0`",
    );
    refused(
        &["project", &bert, "--speedup", "op:softmx=2"],
        "did you mean `softmax`?",
    );
}

#[test]
fn projections_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let bert = results(&folder.path().join("bert"));
    let done = run(&[
        "project",
        &bert,
        "--speedup",
        "gemm=10",
        "--speedup",
        "normalization=2",
    ]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stdout
            .starts_with("With gemm ×10.0, normalization ×2.00:"),
        "{}",
        done.stdout
    );
    let json = run(&["project", &bert, "--speedup", "gemm=2", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let record = &records(Path::new(&bert))[0];
    let latency = record.latency.as_ref().unwrap().median_ns;
    let share = record.groups["gemm"].share;
    let projected = json["runs"][0]["projected"]["ns"].as_f64().unwrap();
    assert!((projected - latency * (1.0 - share / 2.0)).abs() < 1e-6 * latency);
}
