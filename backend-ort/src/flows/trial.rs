//! Whether ONNX Runtime takes a model, found out before anything runs: it loads the model without its
//! weights.

use std::path::Path;

use anyhow::Context;
use prost::Message;

use crate::emit::{IR_VERSION, OPSET};
use crate::proto::{
    DataLocation, DataType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto,
};
use crate::runtime::{Trial, library, try_loading};

/// Smaller tensors stay in the model: they are the constants that say what a node does.
const WEIGHT_BYTES: usize = 1024;

/// Loads a model without its weights and drops it. With `providers` besides that of the processor, what that
/// one cannot run is left to the run.
///
/// # Errors
/// When the library cannot load it; one line that says why.
pub(crate) fn check(path: &Path, model: ModelProto, providers: &[String]) -> anyhow::Result<()> {
    let without_weights = skeleton(model).encode_to_vec();
    if try_loading(Trial::Message(&without_weights)).is_ok() || !providers.is_empty() {
        return Ok(());
    }
    // Some kernels read weights when they are made: the whole model decides.
    try_loading(Trial::File(path)).with_context(|| path.display().to_string())
}

/// Checks that the library knows the versions that a model is written in.
///
/// # Errors
/// Names the version that it does not know, and the latest one that it knows.
pub(crate) fn check_versions(model: &ModelProto) -> anyhow::Result<()> {
    let release = &library()?.version;
    let known = |ir_version, sets: &[OperatorSetIdProto]| {
        let model = identity(ir_version, sets).encode_to_vec();
        try_loading(Trial::Message(&model)).is_ok()
    };
    if known(model.ir_version, &model.opset_import) {
        return Ok(());
    }
    for set in &model.opset_import {
        let with = |version| {
            let set = OperatorSetIdProto {
                version,
                ..set.clone()
            };
            known(IR_VERSION, &[set])
        };
        if !with(set.version) {
            let name = if set.domain.is_empty() {
                "ai.onnx"
            } else {
                &set.domain
            };
            anyhow::bail!(
                "the model needs version {} of the operator set {name}, ONNX Runtime {release} {}; convert the \
                 model with onnx.version_converter, or set ORT_DYLIB_PATH to another release",
                set.version,
                latest(set.version, with)
            );
        }
    }
    let with = |version| known(version, &[]);
    anyhow::ensure!(
        with(model.ir_version),
        "the model is written in version {} of ONNX's file format, ONNX Runtime {release} {}; write it with an \
         older onnx, or set ORT_DYLIB_PATH to another release",
        model.ir_version,
        latest(model.ir_version, with)
    );
    Ok(())
}

/// The largest version below one that is not known.
fn latest(unknown: i64, known: impl Fn(i64) -> bool) -> String {
    let (mut low, mut high) = (0, unknown.max(0));
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if known(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    match low {
        0 => "does not know it".to_owned(),
        version => format!("knows up to {version}"),
    }
}

/// A model that does nothing, in these versions.
fn identity(ir_version: i64, sets: &[OperatorSetIdProto]) -> ModelProto {
    let mut opset_import = sets.to_vec();
    if sets.iter().all(|set| !is_default(&set.domain)) {
        opset_import.push(OperatorSetIdProto {
            domain: String::new(),
            version: OPSET,
        });
    }
    let node = NodeProto {
        op_type: "Identity".to_owned(),
        input: vec!["x".to_owned()],
        output: vec!["y".to_owned()],
        ..NodeProto::default()
    };
    let number = |name| ValueInfoProto::tensor(name, DataType::Float as i32, Some(&[]));
    ModelProto {
        ir_version,
        opset_import,
        graph: Some(GraphProto {
            name: "identity".to_owned(),
            node: vec![node],
            input: vec![number("x")],
            output: vec![number("y")],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

/// Whether a name is that of ONNX's own operators.
fn is_default(domain: &str) -> bool {
    ["", "ai.onnx"].contains(&domain)
}

/// The model with inputs in place of its weights.
fn skeleton(mut model: ModelProto) -> ModelProto {
    let Some(graph) = &mut model.graph else {
        return model;
    };
    let tensors = std::mem::take(&mut graph.initializer);
    for tensor in tensors {
        let external = tensor.data_location() == DataLocation::External;
        if !external && tensor.encoded_len() < WEIGHT_BYTES {
            graph.initializer.push(tensor);
        } else if graph.input.iter().all(|input| input.name != tensor.name) {
            let dims = Some(tensor.dims.as_slice());
            graph
                .input
                .push(ValueInfoProto::tensor(&tensor.name, tensor.data_type, dims));
        }
    }
    model
}
