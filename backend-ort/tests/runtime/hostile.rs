//! What users and files get wrong: one line, no crash.

use nongemm_ort::proto::DataType::{self, Float};
use nongemm_ort::proto::{DataLocation, OperatorSetIdProto, StringStringEntryProto, TensorProto};
use prost::Message;

use crate::build::{Build, any, check, map, prepare, sequence, write};

fn relu() -> Build {
    Build::default()
        .input("x", Float, &["2", "3"])
        .node("y", "Relu", "x")
        .output("y", Float, &["2", "3"])
}

/// What is said before a worker starts, the folder left out.
fn message(path: &std::path::Path, pairs: &[(&str, &str)]) -> String {
    let error = format!("{:#}", check(path, pairs).err().unwrap());
    assert_eq!(error.lines().count(), 1, "{error}");
    let folder = format!("{}/", path.parent().unwrap().display());
    error.replace(&folder, "")
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
fn versions_that_the_library_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let set = |domain: &str, version| OperatorSetIdProto {
        domain: domain.to_owned(),
        version,
    };
    let mut model = relu().model();
    model.opset_import = vec![set("", 99)];
    let text = message(&write(&model, folder.path()), &[]);
    assert!(
        text.starts_with(
            "model.onnx: the model needs version 99 of the operator set ai.onnx, ONNX Runtime 1."
        ) && text.contains(" knows up to 2"),
        "{text}"
    );
    model.opset_import = vec![set("", 20), set("ai.onnx.ml", 99)];
    let text = message(&write(&model, folder.path()), &[]);
    assert!(text.contains("operator set ai.onnx.ml, "), "{text}");
    model.opset_import = vec![set("", 20)];
    model.ir_version = 1000;
    let text = message(&write(&model, folder.path()), &[]);
    assert!(
        text.contains("version 1000 of ONNX's file format, "),
        "{text}"
    );
    assert!(text.contains(" knows up to 1"), "{text}");
    model.ir_version = 10;
    check(&write(&model, folder.path()), &[]).unwrap();
}

#[test]
fn models_that_the_library_does_not_take() {
    let folder = tempfile::tempdir().unwrap();
    let said = |build: Build| message(&build.write(folder.path()), &[]);
    let model = || {
        Build::default()
            .input("x", Float, &["2", "3"])
            .output("y", Float, &["2", "3"])
    };
    let unknown = said(model().node("y", "my.company:Quux", "x"));
    assert!(unknown.contains("Quux"), "{unknown}");
    let unfit = said(model().node("y", "MatMul", "x w").weight("w", &[64, 64]));
    assert!(unfit.contains("MatMul"), "{unfit}");
    let undefined = said(model().node("y", "Add", "x nowhere"));
    assert!(undefined.contains("nowhere"), "{undefined}");
    let untyped = said(
        model()
            .node("y", "Relu", "x")
            .node("z", "Dropout", "x nothing"),
    );
    assert!(untyped.contains("nothing"), "{untyped}");
}

/// Nothing is read of weights, so that a model with large ones is checked as fast.
#[test]
fn weights_are_not_loaded_for_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let entry = |key: &str, value: String| StringStringEntryProto {
        key: key.to_owned(),
        value,
    };
    let side = 1 << 15;
    let weights = std::fs::File::create(folder.path().join("weights")).unwrap();
    weights.set_len(side * side * 4).unwrap();
    let mut model = Build::default()
        .input("x", Float, &["1", "32768"])
        .node("y", "MatMul", "x w")
        .output("y", Float, &["1", "32768"])
        .model();
    let tensor = |length: u64| TensorProto {
        name: "w".to_owned(),
        dims: vec![side as i64, side as i64],
        data_type: Float as i32,
        data_location: DataLocation::External as i32,
        external_data: vec![
            entry("location", "weights".to_owned()),
            entry("length", length.to_string()),
        ],
        ..TensorProto::default()
    };
    let mut with = |length| {
        model.graph.as_mut().unwrap().initializer = vec![tensor(length)];
        write(&model, folder.path())
    };
    let since = std::time::Instant::now();
    check(&with(side * side * 4), &[]).unwrap();
    let seconds = since.elapsed().as_secs_f64();
    assert!(seconds < 2.0, "4 GB were read in {seconds} s");
    let text = message(&with(side * side * 4 + 1), &[]);
    assert!(
        text.contains("tensor w: its data ends behind the end"),
        "{text}"
    );
}

#[test]
fn inputs_that_cannot_be_given_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = |build: Build| {
        let build = build
            .input("x", Float, &["2"])
            .node("y", "Relu", "x")
            .output("y", Float, &["2"]);
        message(&build.write(folder.path()), &[])
    };
    let with = |ty| said(Build::default().input_of("other", ty));
    let only = "only dense tensors of numbers can be given";
    assert_eq!(
        with(sequence(any(Float))),
        format!("model.onnx: input other is a sequence; {only}")
    );
    assert_eq!(
        with(map(DataType::Int64, any(Float))),
        format!("model.onnx: input other is a map; {only}")
    );
    assert_eq!(
        said(Build::default().input("text", DataType::String, &["2"])),
        "model.onnx: input text has elements of type string; only numbers and bool can be given"
    );
    assert_eq!(
        with(any(Float)),
        "model.onnx: input other has no declared shape; give inputs with --set ort.inputs=FILE.npz"
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
