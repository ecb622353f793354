//! ONNX files on the command line.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Done, done, json_files, nongemm, records, run};
use nongemm_core::record::{MicroRecord, Status};

/// A small model, exported.
fn exported(folder: &Path) -> PathBuf {
    let out = folder.to_str().expect("paths are UTF-8");
    let done = run(&["export", "bert", "--set", "preset=small", "--out", out]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let entries = fs::read_dir(folder).expect("it was written to");
    let mut files = entries.map(|entry| entry.expect("entries are readable").path());
    let file = files.find(|path| path.extension().is_some_and(|ending| ending == "onnx"));
    file.expect("a file in ONNX")
}

fn flags<'a>(out: &'a Path, file: &'a Path) -> Vec<&'a str> {
    let [out, file] = [out, file].map(|path| path.to_str().expect("paths are UTF-8"));
    let mut flags = vec!["bench", "--backend", "ort", "--model", file, "--out", out];
    flags.extend(["--max-time", "200ms", "--min-samples", "3"]);
    flags
}

fn refused(done: &Done, named: &str) {
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert_eq!(done.stderr.trim_end().lines().count(), 1, "{}", done.stderr);
    assert!(done.stderr.contains(named), "{}", done.stderr);
}

#[test]
fn an_exported_file_is_measured_like_any_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = exported(folder.path());
    let out = tempfile::tempdir().expect("a temporary folder");
    let done = run(&flags(out.path(), &file));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let record = records(out.path()).remove(0);
    assert_eq!(record.status, Status::Ok, "{:?}", record.error);
    assert!(
        record
            .profile
            .is_some_and(|profile| !profile.ops.is_empty())
    );
}

/// A file beside a description.
fn described(folder: &Path, text: &str) {
    let file = exported(folder);
    fs::rename(file, folder.join("m.onnx")).expect("it was written");
    fs::write(folder.join("model.toml"), text).expect("it can be written");
}

const READS_TEXT: &str = r#"
id = "my-bert"
file = "m.onnx"
domain = "language-model"
preprocessor = "masked-text"
seq = 128

[[inputs]]
name = "input_ids"
dtype = "i64"
shape = ["batch", "seq"]
below = 101
"#;

#[test]
fn a_described_file_runs_on_samples_of_a_dataset() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    described(folder.path(), READS_TEXT);
    let out = tempfile::tempdir().expect("a temporary folder");
    let models = folder.path().to_str().expect("paths are UTF-8");
    let mut flags = flags(out.path(), Path::new("my-bert"));
    flags.extend(["--models", models, "--inputs", "2"]);
    let done = run(&flags);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let record = records(out.path()).remove(0);
    assert_eq!(record.status, Status::Ok, "{:?}", record.error);
    assert_eq!(
        (record.spec.model.as_str(), record.spec.seq),
        ("my-bert", Some(128))
    );
    assert_eq!(record.spec.dataset, "sample");
    let inputs = record.inputs.expect("they came from a dataset");
    assert_eq!(inputs.samples.len(), 2);
    let model = record.model.expect("it is described");
    assert_eq!(model.domain.name(), "language model");
    assert_eq!((model.parameters, model.nodes), (None, None));
}

#[test]
fn a_description_that_does_not_fit_is_named_before_anything_runs() {
    for (wrong, right, expected) in [
        ("i32", "i64", "it takes `input_ids` as i64"),
        ("ids", "input_ids", "it takes input_ids"),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = READS_TEXT.replace(right, wrong);
        described(folder.path(), &text);
        let out = tempfile::tempdir().expect("a temporary folder");
        let models = folder.path().to_str().expect("paths are UTF-8");
        let mut flags = flags(out.path(), Path::new("my-bert"));
        flags.extend(["--models", models]);
        refused(&run(&flags), expected);
    }
}

#[test]
fn a_truncated_file_is_named_before_anything_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = exported(folder.path());
    let bytes = fs::read(&file).expect("it was written");
    fs::write(&file, &bytes[..bytes.len() / 2]).expect("it can be written");
    let out = tempfile::tempdir().expect("a temporary folder");
    refused(&run(&flags(out.path(), &file)), ".onnx");
    assert!(json_files(out.path()).is_empty(), "nothing was measured");
}

#[test]
fn a_dimension_that_the_file_does_not_have_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = exported(folder.path());
    let out = tempfile::tempdir().expect("a temporary folder");
    let mut flags = flags(out.path(), &file);
    flags.extend(["--set", "dim.height=3"]);
    refused(&run(&flags), "dim.height");
}

#[test]
fn a_library_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = exported(folder.path());
    let out = tempfile::tempdir().expect("a temporary folder");
    let mut command = nongemm(&flags(out.path(), &file));
    command.env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so");
    let output = command.output().expect("the binary starts");
    refused(&done(&output), "/nowhere/libonnxruntime.so");
}

#[test]
fn the_commands_of_the_book_run() {
    common::book::check("models", Some("ONNX Runtime"));
}

/// What ONNX Runtime ran in a model, run alone and set beside it.
#[test]
fn recorded_operators_run_alone() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let folder = runs.path().to_str().expect("paths are UTF-8");
    let small = ["--model", "gpt2", "--set", "preset=small", "--seq", "8"];
    let short = ["--max-time", "20ms", "--min-samples", "3", "--threads", "1"];
    let ort = ["--backend", "ort", "--out", folder];
    let done = run(&[&["bench"], &small[..], &short, &ort].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let out = tempfile::tempdir().expect("a temporary folder");
    let to = out.path().to_str().expect("paths are UTF-8");
    let onnx = ["--from", folder, "--filter", "vocabulary=onnx"];
    let ort = ["--backend", "ort", "--out", to, "--json"];
    let done = run(&[&["micro"], &onnx[..], &short, &ort].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let records: Vec<MicroRecord> = serde_json::from_str(&done.stdout).expect("JSON");
    let entries = &records[0].entries;
    assert!(entries.len() > 10, "{}", entries.len());
    for entry in entries {
        assert_eq!(
            entry.vocabulary.as_deref(),
            Some("onnx"),
            "{}",
            entry.call.op
        );
        let times = entry.outcome.times();
        let times = times.unwrap_or_else(|| panic!("{}: {:?}", entry.call.op, entry.outcome));
        assert_eq!(times.steps, std::slice::from_ref(&entry.call.op));
        assert_eq!(entry.in_model.len(), 1, "{}", entry.call.op);
    }
    // Another flow says that they are not its own.
    let candle = ["--backend", "candle", "--out", to, "--json"];
    let done = run(&[&["micro"], &onnx[..], &short, &candle].concat());
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let words = "refused: backend candle runs no onnx operators alone";
    assert!(done.stderr.contains(words), "{}", done.stderr);
}
