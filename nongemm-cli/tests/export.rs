//! `nongemm export`: files, and what is said when there are none.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::run;

#[test]
fn a_model_is_written_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("new");
    let args = ["export", "bert", "--set", "preset=small", "--seq", "8"];
    let done = run(&[&args[..], &["--out", out.to_str().unwrap()]].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let file = out.join("bert.onnx");
    assert!(done.stdout.starts_with(file.to_str().unwrap()));
    assert!(std::fs::metadata(file).unwrap().len() > 10_000);
    let left = std::fs::read_dir(&out).unwrap().count();
    assert_eq!(left, 1, "only the model is left");
}

#[test]
fn what_is_wrong_is_said_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("none");
    for (args, expected) in [
        (&["bart"][..], "did you mean `bert`"),
        (&["bert", "--format", "onyx"][..], "did you mean `onnx`"),
        (&["bert", "--dtype", "i64"][..], "i64"),
        (&["bert", "--batch", "0"][..], "batch"),
        (&["bert", "--set", "layerz=2"][..], "layers"),
        (
            &["bert", "--weights", "/none.safetensors"][..],
            "/none.safetensors",
        ),
    ] {
        let all = [&["export", "--out", out.to_str().unwrap()], args].concat();
        let done = run(&all);
        assert_eq!(done.code, Some(2), "{args:?}: {}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        assert!(done.stderr.contains(expected), "{}", done.stderr);
        assert!(!out.exists());
    }
}
