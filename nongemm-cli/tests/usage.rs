//! What a user can get wrong: one line on standard error that names the thing, and exit code 2.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs;
use std::path::Path;

use common::{Done, bench, run};

fn refused(done: &Done, expected: &str) {
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1, "one line: {}", done.stderr);
    assert!(done.stderr.starts_with("nongemm: "), "{}", done.stderr);
    assert!(
        done.stderr.contains(expected),
        "{expected:?} is not in {}",
        done.stderr
    );
    assert!(done.stdout.is_empty(), "{}", done.stdout);
}

fn refused_bench(args: &[&str], expected: &str) {
    let out = tempfile::tempdir().unwrap();
    refused(&bench(out.path(), args), expected);
    assert_eq!(common::json_files(out.path()).len(), 0, "nothing was run");
}

#[test]
fn unknown_ids_come_with_the_nearest_known_one() {
    refused_bench(
        &["--model", "gtp2"],
        "unknown model `gtp2`; did you mean `gpt2`?",
    );
    refused_bench(
        &["--model", "bert", "--dataset", "sampel"],
        "did you mean `sample`?",
    );
    let done = run(&["bench", "--backend", "candel"]);
    refused(&done, "unknown backend `candel`; did you mean `candle`?");
    let done = run(&["report", ".", "--format", "terminl"]);
    refused(&done, "did you mean `terminal`?");
    let done = run(&["report", ".", "--against", "papre"]);
    refused(&done, "paper");
}

#[test]
fn a_file_that_no_backend_runs_is_no_unknown_model() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("my.model");
    fs::write(&file, "x").unwrap();
    let file = file.to_str().unwrap();
    refused_bench(&["--model", file], "no backend in this binary runs ");
}

#[test]
fn output_that_cannot_be_printed_is_a_failure() {
    for args in [&["list", "models"][..], &["doctor"], &["doctor", "--json"]] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = common::nongemm(args).stdout(full).output().unwrap();
        let done = common::done(&output);
        assert_eq!(done.code, Some(1), "{args:?}: {}", done.stderr);
        assert!(
            done.stderr.starts_with("nongemm: cannot print: "),
            "{}",
            done.stderr
        );
    }
}

#[test]
fn mistyped_flags_are_one_line() {
    refused(&run(&["bench", "--modle", "gpt2"]), "--modle");
    refused(&run(&["benhc"]), "benhc");
    refused(&run(&["list", "modles"]), "modles");
    refused_bench(&["--batch", "two"], "two");
}

#[test]
fn settings_are_checked() {
    refused_bench(
        &["--model", "gpt2", "--set", "layrs=2"],
        "did you mean `layers`?",
    );
    refused_bench(&["--model", "gpt2", "--set", "layers=two"], "layers=two");
    refused_bench(
        &["--model", "gpt2", "--set", "layers"],
        "--set takes KEY=VALUE",
    );
    refused_bench(
        &["--model", "gpt2", "--set", "attention=slow"],
        "attention=slow",
    );
    refused_bench(
        &["--model", "gpt2", "--set", "composites=some"],
        "composites=some",
    );
    refused_bench(&["--model", "gpt2", "--set", "heads=5"], "heads");
    refused_bench(&["--model", "gpt2", "--seq", "4000"], "4000");
    refused_bench(&["--model", "vit-b16", "--image", "33"], "33");
}

#[test]
fn numbers_out_of_range_are_refused() {
    refused_bench(&["--batch", "0"], "batch must be from 1 to 1048576, got 0");
    refused_bench(&["--seq", "0"], "seq must be from 1");
    refused_bench(&["--batch", "99999999"], "batch must be from 1 to 1048576");
    refused_bench(&["--threads", "0"], "threads must be from 1 to 4096");
    refused_bench(&["--target-ci", "0"], "target-ci must be above 0");
    // These are among the flags that every test gives already.
    let alone = |flag, value| run(&["bench", "--backend", "candle", flag, value]);
    refused(&alone("--min-samples", "0"), "min-samples");
    refused(
        &alone("--max-time", "soon"),
        "max-time must be a duration such as 10s",
    );
}

#[test]
fn devices_and_dtypes_are_checked() {
    refused_bench(
        &["--device", "tpu"],
        "unknown device `tpu`; known: cpu, cuda:N",
    );
    refused_bench(&["--dtype", "f8"], "unknown dtype `f8`");
    refused_bench(&["--dtype", "i64"], "not a floating-point type");
    refused_bench(
        &["--model", "gpt2", "--device", "cuda:0"],
        "cuda:0 is not available",
    );
}

fn manifest(text: &str, expected: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("m.toml");
    fs::write(&file, text).unwrap();
    let out = dir.path().join("out");
    refused(&bench(&out, &[file.to_str().unwrap()]), expected);
}

#[test]
fn malformed_manifests_are_named_by_line() {
    manifest(
        "[[run]]\nmodle = \"gpt2\"\n",
        "m.toml:2: unknown field `modle`",
    );
    manifest("[[run]]\nmodel = 3\n", "m.toml:2: ");
    manifest("[[run]]\nmodel = [\"gpt2\"\n", "m.toml:");
    manifest("[[run]]\nmodel = []\n", "`model` is an empty list");
    manifest("[[run]]\nbatch = [-1]\n", "m.toml:2: ");
    manifest("[[run]]\nbatch = 1e30\n", "m.toml:2: ");
    manifest("[[run]]\n[run.set]\nlayers = [1]\n", "setting `layers`");
    manifest("[measure]\ntarget-ci = \"tight\"\n", "m.toml:2: ");
    manifest("[classify]\nsoftmax = \"soft\"\n", "m.toml:2: ");
    manifest("\u{0}", "m.toml:1: ");
    refused(
        &run(&["bench", "/nowhere/m.toml"]),
        "cannot read manifest /nowhere/m.toml",
    );
}

#[test]
fn an_unwritable_output_is_found_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let done = bench(&file.join("out"), &["--model", "gpt2"]);
    refused(&done, "cannot make the folder");
}

fn weights(path: &Path, expected: &str) {
    refused_bench(
        &["--model", "gpt2", "--weights", path.to_str().unwrap()],
        expected,
    );
}

fn header(json: &str, data: usize) -> Vec<u8> {
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(json.as_bytes());
    bytes.extend(std::iter::repeat_n(0u8, data));
    bytes
}

#[test]
fn weights_that_do_not_fit_are_refused_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    weights(&dir.path().join("none.safetensors"), "none.safetensors");
    let file = dir.path().join("w.safetensors");
    fs::write(&file, b"garbage").unwrap();
    weights(&file, "w.safetensors");
    let tensor =
        r#"{"transformer.wte.weight":{"dtype":"F32","shape":[4,2],"data_offsets":[0,32]}}"#;
    fs::write(&file, header(tensor, 32)).unwrap();
    weights(&file, "transformer.wte.weight");
    fs::write(&file, header(tensor, 16)).unwrap();
    weights(&file, "w.safetensors");
    fs::write(&file, header("{}", 0)).unwrap();
    weights(&file, "transformer.wte.weight");
    refused_bench(
        &["--model", "gpt2", "--weights", "synthetic:x"],
        "synthetic",
    );
}

#[test]
fn reports_of_nothing_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    refused(
        &run(&["report", dir.path().to_str().unwrap()]),
        "no run.json in ",
    );
    refused(&run(&["report", "/nowhere"]), "cannot read /nowhere");
    refused(
        &run(&["report", ".", "--format", "json,parquet"]),
        "`parquet` is not for standard output; name a folder with --out",
    );
    fs::write(dir.path().join("run.json"), "{\"schema\": 9}").unwrap();
    refused(&run(&["report", dir.path().to_str().unwrap()]), "schema 9");
}

#[test]
fn records_that_cannot_be_read_are_named_and_the_rest_is_reported() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(bench(out.path(), &["--model", "bert"]).code, Some(0));
    let bad = out.path().join("bad\u{1b}[2J");
    fs::create_dir(&bad).unwrap();
    fs::write(bad.join("run.json"), "{\"schema\": 9}").unwrap();
    let results = out.path().to_str().unwrap();
    let done = run(&["report", results]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.starts_with("bert"), "{}", done.stdout);
    let warning = format!(
        "nongemm: skipped: {results}/bad\\u{{1b}}[2J/run.json is not a run record: schema 9, this build \
         reads schema 1\n"
    );
    assert_eq!(done.stderr, warning);

    let other = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        fs::create_dir(other.path().join(name)).unwrap();
        fs::write(other.path().join(name).join("run.json"), "{").unwrap();
    }
    let done = run(&["report", other.path().to_str().unwrap()]);
    assert_eq!(done.code, Some(2));
    assert_eq!(done.stderr.lines().count(), 3, "{}", done.stderr);
    assert!(done.stderr.contains("none of 2 run records can be read"));
}
