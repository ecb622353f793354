//! Calls of a run, run alone.

use nongemm_core::dtype::DType;
use nongemm_core::op::OpGroup;
use nongemm_core::plugin::{Device, PrepareOptions, Step};
use nongemm_core::record::OpRow;
use nongemm_core::stats::{MedianRuns, Summary};
use nongemm_ort::proto::DataType::{self, Float, Int64};
use nongemm_ort::replay;

use crate::build::{Build, int, ints, prepare, run, settings};

fn row(step: &Step) -> OpRow {
    OpRow {
        id: step.id.clone(),
        scope: step.scope.clone(),
        op: step.op.clone(),
        vocabulary: Some(step.vocabulary.to_owned()),
        parent: None,
        parent_id: None,
        group: OpGroup::Other,
        part_group: None,
        attrs: step.attrs.clone(),
        inputs: step.inputs.clone(),
        outputs: step.outputs.clone(),
        fused: step.fused.clone(),
        provider: step.provider.clone(),
        host_ns: Summary::of(&[1.0], &MedianRuns::of(&[1])),
        device_ns: None,
        flops: None,
        bytes: None,
        traits: None,
    }
}

#[test]
fn every_call_of_a_run_runs_alone() {
    let folder = tempfile::tempdir().unwrap();
    let codes: Vec<i32> = (0..16 * 8).map(|i| i % 7 - 3).collect();
    let path = Build::default()
        .input("ids", Int64, &["2", "4"])
        .node("e", "Gather", "table ids")
        .node("r", "Reshape", "e shape")
        .node_with("c", "Conv", "r w b", vec![ints("pads", &[1, 1, 1, 1])])
        .node("relu", "Relu", "c")
        .node("flat", "Reshape", "relu rows")
        .node("m", "MatMul", "flat w2")
        .node("mb", "Add", "m b2")
        .node("g", "Gelu", "mb")
        .node_with("s", "Softmax", "g", vec![int("axis", -1)])
        .node("q", "QuantizeLinear", "s scale zero")
        .node("dq", "DequantizeLinear", "q scale zero")
        .node("wq", "DequantizeLinear", "codes scale zero8")
        .node("mm", "MatMul", "dq wq")
        .node("mq", "QuantizeLinear", "mm scale zero")
        .node("y", "DequantizeLinear", "mq scale zero")
        .weight("table", &[10, 32])
        .ints("shape", &[4], &[2, 8, 4, 4])
        .ints("rows", &[2], &[-1, 64])
        .weight("w", &[8, 8, 3, 3])
        .weight("b", &[8])
        .weight("w2", &[64, 16])
        .weight("b2", &[16])
        .floats("scale", &[], &[0.02])
        .bytes("zero", DataType::Uint8, &[], &[128])
        .bytes("zero8", DataType::Int8, &[], &[0])
        .bytes("codes", DataType::Int8, &[16, 8], &codes)
        .output("y", Float, &["4", "8"])
        .write(folder.path());
    let session = prepare(&path, &[("ort.optimization", "extended")]).unwrap();
    let ops: Vec<&str> = session
        .steps()
        .iter()
        .map(|step| step.op.as_str())
        .collect();
    assert!(
        ops.contains(&"com.microsoft.FusedConv") && ops.contains(&"QLinearMatMul"),
        "{ops:?}"
    );
    let options = PrepareOptions {
        device: Device::Cpu,
        dtype: DType::F32,
        threads: 1,
        settings: settings(&[("ort.optimization", "disable")]),
    };
    for step in session.steps() {
        let stored = serde_json::to_string(&row(step)).unwrap();
        let read: OpRow = serde_json::from_str(&stored).unwrap();
        let mut alone = replay::session(&read, &options).unwrap();
        run(alone.as_mut());
        let again = &alone.steps()[0];
        assert_eq!(alone.steps().len(), 1, "{}", step.op);
        assert_eq!(
            (&again.op, &again.inputs, &again.outputs),
            (&step.op, &step.inputs, &step.outputs)
        );
        assert_eq!(again.attrs, step.attrs, "{}", step.op);
    }
}
