//! What `nongemm list` shows. A crate that is only named in Cargo.toml registers nothing: this guards
//! that every plugin of the workspace is linked.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::run;

fn ids(kind: &str) -> Vec<String> {
    let done = run(&["list", kind, "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let rows: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let rows = rows.as_array().expect("a list").iter();
    rows.map(|row| row["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[test]
fn models() {
    let done = run(&["list", "models"]);
    insta::assert_snapshot!(done.stdout);
}

#[test]
fn everything_else_is_linked() {
    assert_eq!(ids("backends"), ["candle", "ort"]);
    assert_eq!(
        ids("datasets"),
        [
            "coco", "imagenet", "images", "npz", "sample", "text", "wikitext"
        ]
    );
    assert_eq!(
        ids("probes"),
        ["hwmon", "nvml", "process", "rapl", "scheduler"]
    );
    assert_eq!(
        ids("reporters"),
        [
            "csv", "html", "json", "non-gemm", "paper", "parquet", "png", "svg", "terminal",
            "trace", "workload"
        ]
    );
    assert_eq!(
        ids("weights"),
        ["hf", "pytorch", "safetensors", "synthetic"]
    );
    assert_eq!(ids("exporters"), ["onnx"]);
    assert_eq!(ids("presets"), ["preset"]);
    assert_eq!(ids("formats"), ["operator-inputs"]);
}

#[test]
fn operators_with_their_groups_and_kernels() {
    let done = run(&["list", "operators"]);
    insta::assert_snapshot!(done.stdout);
}

#[test]
fn doctor_says_what_is_ready_and_how_to_get_the_rest() {
    let done = run(&["doctor"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stdout.contains("ready    backend candle"),
        "{}",
        done.stdout
    );
    assert!(
        done.stdout.contains("ready    device cpu for candle"),
        "{}",
        done.stdout
    );
    assert!(
        done.stdout.contains(" device cuda:0 for candle"),
        "{}",
        done.stdout
    );
    let json: serde_json::Value = serde_json::from_str(&run(&["doctor", "--json"]).stdout).unwrap();
    assert!(json["machine"]["cores"].as_u64().unwrap() > 0);
}

#[test]
fn help_is_short_and_complete() {
    let done = run(&["--help"]);
    assert_eq!(done.code, Some(0));
    for command in ["list", "bench", "export", "report", "doctor"] {
        assert!(done.stdout.contains(command), "{}", done.stdout);
    }
    assert!(!done.stdout.contains("worker"), "an internal command");
    insta::assert_snapshot!(run(&["bench", "--help"]).stdout);
}

#[test]
fn support_says_how_each_backend_runs_an_operator() {
    let done = run(&["list", "operators", "--support", "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let rows: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let row = |id: &str| {
        let mut rows = rows.as_array().unwrap().iter();
        rows.find(|row| row["id"] == id).unwrap().clone()
    };
    assert_eq!(row("softmax")["candle"], "kernel");
    assert_eq!(row("rms_norm")["ort"], "parts");
    let missing = rows
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["candle"] == "missing");
    assert_eq!(missing.count(), 0, "every operator runs on candle");
    let table = run(&["list", "operators", "--support"]).stdout;
    assert!(table.starts_with("| id"), "{table}");
    assert_eq!(run(&["list", "models", "--support"]).code, Some(2));
}

#[test]
fn completions_and_manual_come_from_the_arguments() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]).stdout;
        assert!(
            script.contains("--target-ci") || script.contains("target-ci"),
            "{shell}"
        );
    }
    assert!(run(&["man"]).stdout.contains("nongemm"));
    let out = tempfile::tempdir().unwrap();
    let done = run(&["man", "--out", out.path().to_str().unwrap()]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let page = std::fs::read_to_string(out.path().join("nongemm-bench.1")).unwrap();
    assert!(page.contains("target\\-ci"), "flags are in the page");
}
