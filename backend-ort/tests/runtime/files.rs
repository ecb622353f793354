//! ONNX files as others write them: all of them run, close and are classified.

use nongemm_ort::proto::DataType::{self, Float, Int64};

use crate::build::{Build, any, floats, graph, int, ints, map, prepare, rows, run, sequence};

#[test]
fn a_convolutional_network() {
    let folder = tempfile::tempdir().unwrap();
    let pads = || vec![ints("pads", &[1, 1, 1, 1])];
    let path = Build::default()
        .input("x", Float, &["batch", "3", "16", "16"])
        .node_with("c0", "Conv", "x w0", pads())
        .node("b0", "BatchNormalization", "c0 g h g v")
        .node("r0", "Relu", "b0")
        .node_with("c1", "Conv", "r0 w1", pads())
        .node("sum", "Add", "c1 r0")
        .node("r1", "Relu", "sum")
        .node("pool", "GlobalAveragePool", "r1")
        .node("flat", "Flatten", "pool")
        .node("fc", "Gemm", "flat w2")
        .node_with("y", "Softmax", "fc", vec![int("axis", -1)])
        .weight("w0", &[16, 3, 3, 3])
        .weight("w1", &[16, 16, 3, 3])
        .weight("w2", &[16, 10])
        .weight("g", &[16])
        .weight("h", &[16])
        .floats("v", &[16], &[1.0; 16])
        .output("y", Float, &["batch", "10"])
        .write(folder.path());
    let batch = ("dim.batch", "2");
    let mut session = prepare(&path, &[batch, ("ort.optimization", "extended")]).unwrap();
    run(session.as_mut());
    assert_eq!(
        rows(session.as_ref()),
        [
            "mixed com.microsoft.FusedConv <- Conv BatchNormalization Relu",
            "gemm Conv",
            "arithmetic Add",
            "activation Relu",
            "pooling GlobalAveragePool",
            "memory Flatten",
            "gemm Gemm",
            "logit Softmax",
        ]
    );
    assert_eq!(session.steps()[0].scope, "block");
    assert_eq!(
        session.steps()[0].provider.as_deref(),
        Some("CPUExecutionProvider")
    );
    let (name, output) = session.outputs().unwrap().remove(0);
    assert_eq!((name.as_str(), output.shape()), ("y", &[2, 10][..]));

    // In blocked layout, where the processor has it, the addition is fused too.
    let mut all = prepare(&path, &[batch, ("ort.optimization", "all")]).unwrap();
    run(all.as_mut());
    let blocked = rows(all.as_ref());
    let convolutions: Vec<&String> = blocked
        .iter()
        .filter(|row| row.contains("nchwc.Conv"))
        .collect();
    if !convolutions.is_empty() {
        assert_eq!(
            convolutions,
            [
                "mixed com.microsoft.nchwc.Conv <- Conv BatchNormalization Relu",
                "mixed com.microsoft.nchwc.Conv <- Conv Add Relu"
            ]
        );
    }
    assert!(
        blocked.iter().all(|row| !row.starts_with("unclassified")),
        "{blocked:?}"
    );

    let mut plain = prepare(&path, &[batch, ("ort.optimization", "disable")]).unwrap();
    run(plain.as_mut());
    assert_eq!(plain.steps().len(), 10);
    assert!(rows(plain.as_ref()).iter().all(|row| !row.contains("<-")));
    let difference = plain.outputs().unwrap()[0].1.data().to_f64().into_iter();
    let difference = difference
        .zip(output.data().to_f64())
        .map(|(a, b)| (a - b).abs());
    assert!(difference.fold(0.0, f64::max) < 1e-5);
}

#[test]
fn a_transformer_with_symbolic_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let path = Build::default()
        .input("ids", Int64, &["batch", "seq"])
        .node("e", "Gather", "table ids")
        .node("n", "LayerNormalization", "e g h")
        .node("q", "MatMul", "n wq")
        .node("k", "MatMul", "n wk")
        .node_with("kt", "Transpose", "k", vec![ints("perm", &[0, 2, 1])])
        .node("s", "MatMul", "q kt")
        .node("scaled", "Mul", "s scale")
        .node_with("p", "Softmax", "scaled", vec![int("axis", -1)])
        .node("a", "MatMul", "p n")
        .node("f", "MatMul", "a w1")
        .node("fb", "Add", "f b1")
        .node("act", "Gelu", "fb")
        .node("o", "MatMul", "act w2")
        .node("r", "Add", "o a")
        .node("y", "LayerNormalization", "r g h")
        .weight("table", &[50, 32])
        .weight("g", &[32])
        .weight("h", &[32])
        .weight("wq", &[32, 32])
        .weight("wk", &[32, 32])
        .weight("w1", &[32, 64])
        .weight("b1", &[64])
        .weight("w2", &[64, 32])
        .floats("scale", &[], &[0.125])
        .output("y", Float, &["batch", "seq", "32"])
        .write(folder.path());
    let error = prepare(&path, &[]).err().unwrap().to_string();
    assert!(
        error.ends_with(
            "has open sizes: say --set dim.batch=N --set dim.seq=N, or give inputs with --set ort.inputs=FILE.npz"
        ),
        "{error}"
    );
    let error = prepare(&path, &[("dim.batch", "1"), ("dim.sequence", "8")])
        .err()
        .unwrap();
    assert!(error.to_string().contains("dim.seq"), "{error}");

    let dims = [("dim.batch", "2"), ("dim.seq", "8")];
    let mut session = prepare(&path, &dims).unwrap();
    run(session.as_mut());
    let rows = rows(session.as_ref());
    assert!(
        rows.iter().all(|row| !row.starts_with("unclassified")),
        "{rows:?}"
    );
    assert!(
        rows.iter()
            .any(|row| row == "activation com.microsoft.BiasGelu <- Add Gelu"),
        "{rows:?}"
    );
    assert!(
        rows.iter()
            .any(|row| row == "gemm com.microsoft.FusedMatMul <- Transpose MatMul Mul"),
        "{rows:?}"
    );
}

#[test]
fn branches_and_loops() {
    let folder = tempfile::tempdir().unwrap();
    let then = Build::default()
        .node("t1", "Mul", "x two")
        .node("t2", "Tanh", "t1")
        .output("t2", Float, &["4"]);
    let otherwise = Build::default()
        .node("o1", "Neg", "x")
        .output("o1", Float, &["4"]);
    let body = Build::default()
        .input("i", Int64, &[])
        .input("go", DataType::Bool, &[])
        .input("state", Float, &["4"])
        .node("l1", "Add", "state two")
        .node("l2", "Sqrt", "l1")
        .node("on", "Identity", "go")
        .output("on", DataType::Bool, &[])
        .output("l2", Float, &["4"]);
    let path = Build::default()
        .input("x", Float, &["4"])
        .node_with("total", "ReduceSum", "x", vec![int("keepdims", 0)])
        .node("is", "Greater", "total lowest")
        .node_with(
            "f",
            "If",
            "is",
            vec![graph("then_branch", then), graph("else_branch", otherwise)],
        )
        .node_with("y", "Loop", "trips __ f", vec![graph("body", body)])
        .floats("two", &[], &[2.0])
        .floats("lowest", &[], &[-100.0])
        .ints("trips", &[], &[3])
        .output("y", Float, &["4"])
        .write(folder.path());
    let mut session = prepare(&path, &[]).unwrap();
    run(session.as_mut());
    let rows = rows(session.as_ref());
    let count = |row: &str| rows.iter().filter(|found| *found == row).count();
    assert_eq!(count("other If"), 1, "{rows:?}");
    assert_eq!(count("activation Tanh"), 1, "{rows:?}");
    assert_eq!(count("arithmetic Sqrt"), 3, "one for each time: {rows:?}");
    assert_eq!(count("arithmetic Neg"), 0, "{rows:?}");
    let sqrt = session
        .steps()
        .iter()
        .find(|step| step.op == "Sqrt")
        .unwrap();
    assert_eq!(sqrt.scope, "block.y.block");
    let ids: std::collections::BTreeSet<&str> =
        session.steps().iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids.len(), session.steps().len());
}

#[test]
fn a_quantized_network() {
    let folder = tempfile::tempdir().unwrap();
    let codes: Vec<i32> = (0..16 * 8).map(|i| i % 7 - 3).collect();
    let path = Build::default()
        .input("x", Float, &["4", "16"])
        .node("xq", "QuantizeLinear", "x s z")
        .node("xf", "DequantizeLinear", "xq s z")
        .node("wf", "DequantizeLinear", "w ws wz")
        .node("m", "MatMul", "xf wf")
        .node("mq", "QuantizeLinear", "m s z")
        .node("y", "DequantizeLinear", "mq s z")
        .floats("s", &[], &[0.02])
        .floats("ws", &[], &[0.1])
        .bytes("z", DataType::Uint8, &[], &[128])
        .bytes("wz", DataType::Int8, &[], &[0])
        .bytes("w", DataType::Int8, &[16, 8], &codes)
        .output("y", Float, &["4", "8"])
        .write(folder.path());
    let mut session = prepare(&path, &[]).unwrap();
    run(session.as_mut());
    assert_eq!(
        rows(session.as_ref()),
        [
            "qdq QuantizeLinear",
            "mixed QLinearMatMul <- DequantizeLinear DequantizeLinear MatMul QuantizeLinear",
            "qdq DequantizeLinear",
        ]
    );
}

#[test]
fn classical_machine_learning() {
    let folder = tempfile::tempdir().unwrap();
    let path = Build::default()
        .input("x", Float, &["5", "3"])
        .node_with(
            "scaled",
            "ai.onnx.ml:Scaler",
            "x",
            vec![
                floats("offset", &[0.1, 0.2, 0.3]),
                floats("scale", &[2.0, 2.0, 2.0]),
            ],
        )
        .node_with(
            "label",
            "ai.onnx.ml:LinearClassifier",
            "scaled",
            vec![
                floats("coefficients", &[0.1, 0.2, 0.3, -0.1, -0.2, -0.3]),
                floats("intercepts", &[0.0, 0.1]),
                ints("classlabels_ints", &[0, 1]),
            ],
        )
        .and_output("scores")
        .node_with(
            "maps",
            "ai.onnx.ml:ZipMap",
            "scores",
            vec![ints("classlabels_int64s", &[0, 1])],
        )
        .output("label", Int64, &["5"])
        .output_of("maps", sequence(map(Int64, any(Float))))
        .write(folder.path());
    let mut session = prepare(&path, &[]).unwrap();
    run(session.as_mut());
    // What is no tensor of numbers is listed as such, and not compared.
    let names: Vec<String> = session
        .outputs()
        .unwrap()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["label"]);
    let unchecked = ("outputs.unchecked".to_owned(), "maps".to_owned());
    assert!(
        session.modes().contains(&unchecked),
        "{:?}",
        session.modes()
    );
    let rows = rows(session.as_ref());
    assert!(
        rows.iter().all(|row| !row.starts_with("unclassified")),
        "{rows:?}"
    );
    assert!(
        rows.iter().any(|row| row.ends_with("ai.onnx.ml.ZipMap")),
        "{rows:?}"
    );
    assert!(
        rows.contains(&"other ai.onnx.ml.LinearClassifier".to_owned()),
        "{rows:?}"
    );
}

/// Every type of whole numbers goes in and out.
#[test]
fn whole_numbers_of_all_sizes() {
    use DataType::{Int8, Int16, Int32, Uint8, Uint16, Uint32, Uint64};
    use nongemm_core::dtype::DType;

    let folder = tempfile::tempdir().unwrap();
    let types = [
        (Int8, DType::I8),
        (Int16, DType::I16),
        (Int32, DType::I32),
        (Int64, DType::I64),
        (Uint8, DType::U8),
        (Uint16, DType::U16),
        (Uint32, DType::U32),
        (Uint64, DType::U64),
        (DataType::Bool, DType::Bool),
    ];
    for (ty, dtype) in types {
        let path = Build::default()
            .input("x", ty, &["2", "3"])
            .node_with("t", "Transpose", "x", vec![ints("perm", &[1, 0])])
            .node_with("f", "Cast", "t", vec![int("to", Float as i64)])
            .node("h", "Add", "f half")
            .node_with("y", "Cast", "h", vec![int("to", ty as i64)])
            .floats("half", &[], &[0.25])
            .output("y", ty, &["3", "2"])
            .write(folder.path());
        let mut session = prepare(&path, &[("ort.optimization", "disable")]).unwrap();
        run(session.as_mut());
        let first = &session.steps()[0];
        assert_eq!(
            (first.op.as_str(), first.inputs[0].dtype),
            ("Transpose", dtype)
        );
        assert!(
            !first.attrs.contains_key("input_types"),
            "{ty:?}: {:?}",
            first.attrs
        );
        let (_, output) = session.outputs().unwrap().remove(0);
        assert_eq!((output.dtype(), output.shape()), (dtype, &[3, 2][..]));
        assert_eq!(output.data().to_f64(), [1.0; 6], "{ty:?}");
    }
}
