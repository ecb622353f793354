//! Models that are described in files: registered, run, and refused in one line.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs;
use std::path::Path;

use common::{Done, bench, records, run};
use nongemm_core::plugin::Domain;
use nongemm_core::record::Status;
use tempfile::TempDir;

const SMALL: &str = "id = \"bert-mine\"\nmodel = \"bert\"\nweights = \"synthetic:7\"\nseq = 6\n\
                     [set]\npreset = \"small\"\nlayers = 1\n";

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

fn list(folder: &Path) -> Done {
    run(&["list", "models", "--models", folder.to_str().unwrap()])
}

/// What is said of a file that is wrong, without the folder.
fn refused(text: &str) -> String {
    let folder = folder(&[("model.toml", text), ("m.onnx", "")]);
    let done = list(folder.path());
    assert_eq!(done.code, Some(2), "{}", done.stdout);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    let path = format!("{}/", folder.path().display());
    done.stderr.trim_end().replace(&path, "")
}

#[test]
fn a_folder_of_files_is_a_registry() {
    let onnx = "id = \"mine\"\nfile = \"m.onnx\"\ndomain = \"object-detection\"\n";
    let folder = folder(&[
        ("bert/model.toml", SMALL),
        ("bert/notes.toml", "no = \"model\""),
        ("bert/deeper/model.toml", "not read"),
        ("mine.model.toml", onnx),
        ("m.onnx", ""),
    ]);
    let done = list(folder.path());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let line = |id: &str| done.stdout.lines().find(|line| line.starts_with(id));
    let bert = line("bert-mine ").unwrap();
    assert!(
        bert.contains("synthetic:7") && bert.ends_with("bert/model.toml"),
        "{bert}"
    );
    let file = line("mine ").unwrap();
    assert!(
        file.contains("object detection") && file.contains("m.onnx"),
        "{file}"
    );
    assert!(line("gpt2 ").is_some(), "the others are still there");
}

#[test]
fn a_variant_runs_with_its_defaults_and_flags_override_them() {
    let folder = folder(&[("zoo/bert.model.toml", SMALL)]);
    let zoo = folder.path().join("zoo");
    let quick = ["--max-time", "200ms", "--min-samples", "3"];
    let plain = ["--models", zoo.to_str().unwrap(), "--model", "bert-mine"];
    let out = tempfile::tempdir().unwrap();
    let bench = |flags: &[&str]| {
        let out = ["bench", "--out", out.path().to_str().unwrap()];
        let done = run(&[&out[..], &plain, &quick, flags].concat());
        assert_eq!(done.code, Some(0), "{}", done.stderr);
    };
    bench(&[]);
    let record = records(out.path()).remove(0);
    assert_eq!(record.status, Status::Ok, "{:?}", record.error);
    assert_eq!(record.spec.weights, "synthetic:7");
    assert_eq!(record.spec.seq, Some(6));
    assert_eq!(record.spec.settings["layers"], "1");
    let model = record.model.unwrap();
    assert_eq!(model.domain, Domain::LanguageModel);
    bench(&[
        "--seq",
        "9",
        "--weights",
        "synthetic:1",
        "--set",
        "layers=2",
    ]);
    let records = records(out.path());
    let other = records.iter().find(|r| r.spec.seq == Some(9)).unwrap();
    assert_eq!(other.spec.weights, "synthetic:1");
    assert_eq!(other.spec.settings["layers"], "2");
    assert_eq!(other.spec.settings["preset"], "small");
}

#[test]
fn a_manifest_names_the_folder_from_where_it_lies() {
    let manifest = "models = \"zoo\"\n[[run]]\nmodel = \"bert-mine\"\n";
    let folder = folder(&[("zoo/a/model.toml", SMALL), ("m.toml", manifest)]);
    let out = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("m.toml");
    let done = bench(out.path(), &[manifest.to_str().unwrap()]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(records(out.path()).remove(0).spec.model, "bert-mine");
    // Resumed, it is not run again; with a file that was changed, it is.
    let again = |expected: &str| {
        let done = bench(out.path(), &[manifest.to_str().unwrap(), "--resume"]);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert!(
            done.stderr.contains("done before") == (expected == "kept"),
            "{}",
            done.stderr
        );
    };
    again("kept");
    let described = fs::File::options()
        .write(true)
        .open(folder.path().join("zoo/a/model.toml"));
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    described.unwrap().set_modified(later).unwrap();
    again("run");
}

#[test]
fn graphs_are_exported_and_captured_and_files_are_not() {
    let folder = folder(&[
        ("a/model.toml", SMALL),
        ("model.toml", "id = \"mine\"\nfile = \"m.onnx\"\n"),
        ("m.onnx", ""),
    ]);
    let models = ["--models", folder.path().to_str().unwrap()];
    let out = folder.path().join("out");
    let export = |id| run(&[&["export", id, "--out", out.to_str().unwrap()], &models[..]].concat());
    let done = export("mine");
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(
        done.stderr.contains("m.onnx and has no graph"),
        "{}",
        done.stderr
    );
    let registry = folder.path().join("r.registry");
    let capture = ["registry", "capture", "--model", "bert-mine", "--out"];
    let capture = [&capture[..], &[registry.to_str().unwrap()], &models].concat();
    let done = run(&capture);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let done = run(&[
        "registry",
        "stats",
        "--registry",
        registry.to_str().unwrap(),
    ]);
    assert!(done.stdout.contains("bert-mine"), "{}", done.stdout);
    let done = export("bert-mine");
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let size = fs::metadata(out.join("bert-mine.onnx")).unwrap().len();
    assert!(size < 1_000_000, "{size}: the small preset of its file");
}

#[test]
fn what_is_wrong_is_one_line_with_file_and_position() {
    for (text, expected) in [
        (
            "id = \"a\"\nfil = \"m.onnx\"\n",
            "model.toml:2: unknown field `fil`, expected one of `id`, `domain`, `file`, `model`, `weights`, \
             `preprocessor`, `dataset`, `seq`, `image`, `set`, `inputs`; did you mean `file`?",
        ),
        ("file = \"m.onnx\"\n", "model.toml:1: missing field `id`"),
        (
            "id = \"a\"\nfile = \"n.onnx\"\n",
            "model.toml:2: no model file n.onnx",
        ),
        (
            "id = \"a\"\nfile = \".\"\n",
            "model.toml:2: . is a folder; a checkpoint goes with `model` and `weights`",
        ),
        (
            "id = \"A b\"\nfile = \"m.onnx\"\n",
            "model.toml:1: `A b` is no id: use lower-case letters, digits, `-`, `.` and `_`, and not `all`",
        ),
        (
            "id = \"a\"\nfile = \"m.onnx\"\nmodel = \"bert\"\n",
            "model.toml:1: a model is described by `file` (a program that a backend runs) or by `model` (a \
             registered model): give one of them",
        ),
        (
            "id = \"a\"\nmodel = \"bart\"\n",
            "model.toml:2: unknown model `bart`; did you mean `bert`? (`nongemm list models` shows all)",
        ),
        (
            "id = \"a\"\nfile = \"m.onnx\"\nweights = \"w\"\n",
            "model.toml:3: `weights` goes with `model`; a file holds its own",
        ),
        (
            "id = \"a\"\nfile = \"m.onnx\"\npreprocessor = \"masked-text\"\n",
            "model.toml:3: `preprocessor` needs [[inputs]]: name, dtype and shape of each tensor",
        ),
        (
            "id = \"a\"\nfile = \"m.onnx\"\npreprocessor = \"text\"\n[[inputs]]\nname = \"x\"\n\
             dtype = \"f32\"\nshape = [\"height\"]\n",
            "model.toml:7: a shape is a list of sizes: numbers, \"batch\", \"seq\" and \"image\"",
        ),
        (
            "id = \"a\"\nfile = \"m.onnx\"\npreprocessor = \"masked-text\"\n[[inputs]]\nname = \"x\"\n\
             dtype = \"i64\"\nshape = [\"batch\", \"seq\"]\n",
            "model.toml:7: the shape of `x` has \"seq\": give its default as seq = N",
        ),
        (
            "id = \"a\"\nfile = \"m.onnx\"\n[[inputs]]\nname = \"x\"\ndtype = \"i64\"\nshape = [1]\n",
            "model.toml:6: [[inputs]] needs `preprocessor`, or a `dataset` of ready tensors such as npz:FILE",
        ),
        (
            "id = \"a\"\nmodel = \"bert\"\n[set]\nlayers = [1]\n",
            "model.toml:4: setting `layers` must be a string, a number or a boolean",
        ),
    ] {
        assert_eq!(refused(text), format!("nongemm: {expected}"));
    }
    let domain = refused("id = \"a\"\nfile = \"m.onnx\"\ndomain = \"vision\"\n");
    assert!(
        domain.starts_with("nongemm: model.toml:3: unknown variant `vision`"),
        "{domain}"
    );
    let reader = refused("id = \"a\"\nmodel = \"bert\"\npreprocessor = \"masked-txt\"\n");
    assert!(
        reader.contains(":3: unknown preprocessor `masked-txt`; did you mean `masked-text`?"),
        "{reader}"
    );
}

#[test]
fn an_id_that_is_taken_is_named_with_both_places() {
    let folder = folder(&[("a/model.toml", SMALL), ("b/model.toml", SMALL)]);
    let twice = list(folder.path()).stderr;
    assert!(
        twice.contains("model `bert-mine` is registered twice"),
        "{twice}"
    );
    assert!(
        twice.contains("a/model.toml") && twice.contains("b/model.toml"),
        "{twice}"
    );
    let known = refused("id = \"gpt2\"\nmodel = \"bert\"\n");
    assert!(
        known.contains("`nongemm-models`") && known.contains("`model.toml`"),
        "{known}"
    );
}

#[test]
fn a_file_on_a_flow_that_does_not_run_it_is_bad_usage() {
    for (file, expected) in [
        ("m.onnx", "backend candle runs no .onnx files; ort do"),
        ("m.weights", "no backend in this binary runs .weights files"),
    ] {
        let text = format!("id = \"mine\"\nfile = \"{file}\"\n");
        let folder = folder(&[("model.toml", &text), (file, "")]);
        let out = tempfile::tempdir().unwrap();
        let models = [
            "--models",
            folder.path().to_str().unwrap(),
            "--model",
            "mine",
        ];
        let done = bench(out.path(), &models);
        assert_eq!(done.code, Some(2), "{}", done.stderr);
        assert!(done.stderr.contains(expected), "{}", done.stderr);
    }
    let empty = folder(&[("notes.toml", "")]);
    let none = list(empty.path());
    assert_eq!(none.code, Some(2));
    assert!(
        none.stderr.contains("no model is described in"),
        "{}",
        none.stderr
    );
    let absent = list(Path::new("/nowhere/at/all"));
    assert!(
        absent
            .stderr
            .contains("cannot read the models of /nowhere/at/all"),
        "{}",
        absent.stderr
    );
}
