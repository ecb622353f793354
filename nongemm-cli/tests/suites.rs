//! Suites that go on where they ended, and suites in parts.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs;
use std::path::Path;

use common::{bench, json_files, records, run};
use nongemm_core::record::{RunRecord, Status, store};

fn suite(folder: &Path) -> String {
    let manifest = folder.join("m.toml");
    fs::write(
        &manifest,
        "[[run]]\nmodel = [\"gpt2\", \"bert\", \"resnet50\"]\n",
    )
    .unwrap();
    manifest.to_str().unwrap().to_owned()
}

fn of<'r>(records: &'r [RunRecord], model: &str) -> &'r RunRecord {
    records.iter().find(|r| r.spec.model == model).unwrap()
}

#[test]
fn resuming_runs_what_is_missing_failed_or_of_another_version() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results");
    let manifest = suite(folder.path());
    assert_eq!(bench(&out, &[&manifest]).code, Some(0));
    let first = records(&out);
    let mut failed = of(&first, "gpt2").clone();
    failed.status = Status::Failed;
    failed.error = Some("killed".to_owned());
    store::write(&out, &failed).unwrap();
    let mut older = of(&first, "bert").clone();
    older.software.nongemm = "0.0.1".to_owned();
    store::write(&out, &older).unwrap();

    let done = bench(&out, &[&manifest, "--resume"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let second = records(&out);
    assert_eq!(of(&second, "resnet50"), of(&first, "resnet50"), "as it was");
    for model in ["gpt2", "bert"] {
        assert_eq!(of(&second, model).status, Status::Ok);
        assert_ne!(of(&second, model).latency, of(&first, model).latency);
    }
    let last = done.stderr.lines().last().unwrap();
    assert_eq!(last, "nongemm: runs: 2 done, 1 done before");
    for model in ["gpt2", "bert", "resnet50"] {
        assert!(done.stdout.contains(model), "all are reported: {model}");
    }
}

#[test]
fn parts_of_a_suite_and_their_folders_side_by_side_are_the_suite() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = suite(folder.path());
    let mut dirs = Vec::new();
    for part in ["1/2", "2/2"] {
        let out = folder.path().join(part.replace('/', "-of-"));
        let done = bench(&out, &[&manifest, "--partition", part]);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        dirs.push(out);
    }
    let sizes: Vec<usize> = dirs.iter().map(|dir| json_files(dir).len()).collect();
    assert_eq!(sizes, [1, 2]);

    // Two folders on the command line, or one with the run folders of both.
    let paths: Vec<&str> = dirs.iter().map(|dir| dir.to_str().unwrap()).collect();
    let two = run(&[&["report", "--format", "json"], paths.as_slice()].concat());
    let merged = folder.path().join("merged");
    fs::create_dir(&merged).unwrap();
    for dir in &dirs {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            fs::rename(&path, merged.join(path.file_name().unwrap())).unwrap();
        }
    }
    let one = run(&["report", "--format", "json", merged.to_str().unwrap()]);
    assert_eq!((two.code, one.code), (Some(0), Some(0)));
    let ids = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut ids: Vec<String> = value["runs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&two.stdout).len(), 3);
    assert_eq!(ids(&two.stdout), ids(&one.stdout));
}

#[test]
fn an_empty_part_is_no_failure_and_a_wrong_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = suite(folder.path());
    let out = folder.path().join("results");
    let done = bench(&out, &[&manifest, "--partition", "1/9"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("part 1/9 of 3 runs holds none"));
    let done = bench(&out, &[&manifest, "--partition", "4/3"]);
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.contains("such as 2/8"), "{}", done.stderr);
    let done = bench(&out, &[&manifest, "--run-timeout", "100ms"]);
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.contains("run-timeout"), "{}", done.stderr);
}
