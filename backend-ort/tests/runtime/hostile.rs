//! What users and files get wrong: one line, no crash.

use nongemm_ort::proto::{DataType::Float, OperatorSetIdProto};
use prost::Message;

use crate::build::{Build, prepare, write};

fn relu() -> Build {
    Build::default()
        .input("x", Float, &["2", "3"])
        .node("y", "Relu", "x")
        .output("y", Float, &["2", "3"])
}

fn message(path: &std::path::Path, pairs: &[(&str, &str)]) -> String {
    let error = format!("{:#}", prepare(path, pairs).err().unwrap());
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let whole = relu().weight("w", &[8, 8]).model().encode_to_vec();
    let path = folder.path().join("model.onnx");
    for length in (0..whole.len()).step_by(7) {
        std::fs::write(&path, &whole[..length]).unwrap();
        // Cut between two fields, a part of a model may be a model.
        if let Err(error) = prepare(&path, &[]) {
            let error = format!("{error:#}");
            assert!(
                error.contains("model.onnx") && error.lines().count() == 1,
                "{error}"
            );
        }
    }
}

#[test]
fn a_file_with_any_byte_changed_does_not_crash() {
    let folder = tempfile::tempdir().unwrap();
    let whole = relu().model().encode_to_vec();
    let path = folder.path().join("model.onnx");
    for index in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[index] ^= 0xff;
        std::fs::write(&path, &bytes).unwrap();
        let _ = prepare(&path, &[]);
    }
}

#[test]
fn operator_sets_and_operators_that_do_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = relu().model();
    model.opset_import = vec![OperatorSetIdProto {
        domain: String::new(),
        version: 99,
    }];
    let path = write(&model, folder.path());
    assert!(
        message(&path, &[]).contains("99"),
        "{}",
        message(&path, &[])
    );
    let model = Build::default()
        .input("x", Float, &["2"])
        .node("y", "my.company:Quux", "x")
        .output("y", Float, &["2"]);
    let path = model.write(folder.path());
    assert!(
        message(&path, &[]).contains("Quux"),
        "{}",
        message(&path, &[])
    );
}

#[test]
fn shapes_that_do_not_fit_and_settings_that_do_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    let path = Build::default()
        .input("x", Float, &["n", "3"])
        .node("y", "MatMul", "x w")
        .weight("w", &[3, 4])
        .output("y", Float, &["n", "4"])
        .write(folder.path());
    let huge = message(&path, &[("dim.n", "99999999999999")]);
    assert!(huge.contains("does not fit into memory"), "{huge}");
    let wrong = message(&path, &[("dim.n", "two")]);
    assert!(wrong.contains("dim.n=two"), "{wrong}");
    let provider = message(&path, &[("ort.providers", "quux")]);
    assert!(provider.contains("has no `quux`"), "{provider}");
    let unknown = message(&path, &[("dim.n", "1"), ("ort.optimisation", "all")]);
    assert!(
        unknown.contains("did you mean `ort.optimization`"),
        "{unknown}"
    );
}
