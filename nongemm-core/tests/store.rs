//! Run records on disk.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;

use nongemm_core::dtype::DType;
use nongemm_core::plugin::Device;
use nongemm_core::record::{RunSpec, store};
use nongemm_core::run::failed;

fn spec() -> RunSpec {
    RunSpec {
        model: "m".to_owned(),
        backend: "b:x".to_owned(),
        device: Device::Cuda(1),
        dtype: DType::BF16,
        batch: 2,
        seq: Some(8),
        image: None,
        weights: "w".to_owned(),
        dataset: "d".to_owned(),
        threads: 1,
        inputs: 1,
        settings: [("k".to_owned(), "v".to_owned())].into(),
    }
}

#[test]
fn a_record_survives_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let record = failed(&spec(), "it broke".to_owned());
    let path = store::write(dir.path(), &record).unwrap();
    assert!(
        record.id.starts_with("m-b_x-cuda_1-bf16-b2-s8-"),
        "{}",
        record.id
    );
    assert_eq!(path, dir.path().join(&record.id).join("run.json"));
    assert_eq!(store::read(&path).unwrap(), record);
    assert_eq!(
        store::read_all(dir.path()).unwrap(),
        std::slice::from_ref(&record)
    );
    assert_eq!(
        store::read_all(&dir.path().join(&record.id)).unwrap(),
        [record]
    );
    let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "no partial file stays behind");
}

#[test]
fn the_spelling_in_the_file_is_the_contract() {
    let text = serde_json::to_value(failed(&spec(), "it broke".to_owned())).unwrap();
    assert_eq!(text["schema"], 1);
    assert_eq!(text["status"], "failed");
    assert_eq!(text["error"], "it broke");
    assert_eq!(text["spec"]["device"], "cuda:1");
    assert_eq!(text["spec"]["dtype"], "bf16");
    assert_eq!(text["spec"]["settings"]["k"], "v");
    for key in [
        "machine", "software", "latency", "profile", "groups", "memory", "energy", "noise",
    ] {
        assert!(text.get(key).is_some(), "{key}");
    }
}

#[test]
fn what_is_no_record_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("run.json");
    let error = |text: &str| {
        fs::write(&file, text).unwrap();
        store::read(&file).unwrap_err().to_string()
    };
    assert!(error("{").contains("run.json is not a run record"));
    assert!(error("{}").contains("no schema number"));
    assert!(error("{\"schema\": 2}").contains("schema 2, this build reads schema 1"));
    assert!(error("{\"schema\": 1}").contains("missing field"));
    let empty = tempfile::tempdir().unwrap();
    let message = store::read_all(empty.path()).unwrap_err().to_string();
    assert!(message.starts_with("no run.json in "), "{message}");
    let missing = store::read_all(&empty.path().join("nowhere")).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read "), "{missing}");
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let record = failed(&spec(), "it broke".to_owned());
    let whole = store::write(&dir.path().join("1"), &record).unwrap();
    store::write(&dir.path().join("2"), &record).unwrap();
    let text = fs::read_to_string(&whole).unwrap();
    let bad = |name: &str, file: &str, bytes: &[u8]| {
        let folder = dir.path().join("1").join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(file), bytes).unwrap();
    };
    bad("empty", "run.json", b"");
    bad("half", "run.json", &text.as_bytes()[..text.len() / 2]);
    bad("future", "run.json", b"{\"schema\": 7, \"spec\": []}");
    bad("binary", "run.json", &[0xff, 0xfe, 0]);
    bad("deep", "run.json", "[".repeat(100_000).as_bytes());
    bad("killed", ".run-17.json", b"{");
    bad("other", "notes.txt", b"nothing to do with it");

    let places = [dir.path().to_owned(), whole, dir.path().join("1")];
    let loaded = store::load(&places).unwrap();
    assert_eq!(loaded.records, [record.clone(), record]);
    let messages: Vec<String> = loaded.skipped.iter().map(ToString::to_string).collect();
    let expected = [
        ("binary", "UTF-8"),
        ("deep", "recursion limit"),
        ("empty", "EOF"),
        ("future", "schema 7, this build reads schema 1"),
        ("half", "EOF"),
        ("killed", "it was not finished"),
    ];
    assert_eq!(messages.len(), expected.len(), "{messages:?}");
    for (message, (name, what)) in messages.iter().zip(expected) {
        assert!(message.contains(&format!("/{name}/")), "{message}");
        assert!(message.contains(what), "{message}");
    }
    let strict = store::read_all(dir.path()).unwrap_err().to_string();
    assert_eq!(strict, messages[0]);
}

#[test]
fn an_unwritable_place_is_found_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = store::ensure_writable(&file.join("out")).unwrap_err();
    assert!(
        error.to_string().starts_with("cannot make the folder "),
        "{error}"
    );
}
