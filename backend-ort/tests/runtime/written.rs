//! Models written as ONNX's own tests have them: a folder with the model, its inputs and its expected outputs.

use std::fs;
use std::path::Path;

use anyhow::Context;
use nongemm_core::graph::{CompositePolicy, Graph};
use nongemm_core::op::OpCase;
use nongemm_core::plugin::{NoWeights, WeightSource};
use nongemm_core::tensor::HostTensor;
use nongemm_operators::golden;
use nongemm_ort::export::{Model, tensor, write};
use prost::Message;

use crate::support::case::Case;
use crate::support::{self, flow, reference};

/// The model `folder/model.onnx`.
pub(crate) fn model(
    folder: &Path,
    graph: &Graph,
    weights: &dyn WeightSource,
    policy: CompositePolicy,
) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let model = Model::new(graph, policy)?;
    write(&model, weights, &folder.join("model.onnx"))?;
    Ok(())
}

fn data(folder: &Path, kind: &str, tensors: &[HostTensor]) -> anyhow::Result<()> {
    let folder = folder.join("test_data_set_0");
    fs::create_dir_all(&folder)?;
    for (i, value) in tensors.iter().enumerate() {
        let file = folder.join(format!("{kind}_{i}.pb"));
        fs::write(file, tensor("", value).encode_to_vec())?;
    }
    Ok(())
}

/// A case of an operator and what the reference computes for it.
pub(crate) fn operator(
    folder: &Path,
    case: &OpCase,
    policy: CompositePolicy,
) -> anyhow::Result<()> {
    let folder = folder.join(case.id());
    model(&folder, &case.graph()?, &NoWeights, policy)?;
    data(&folder, "input", &case.tensors()?)?;
    data(&folder, "output", &golden::outputs(&case.id())?)
}

/// A small model and what the reference computes.
pub(crate) fn small(folder: &Path, case: &Case, policy: CompositePolicy) -> anyhow::Result<()> {
    let folder = folder.join(&case.name);
    let graph = case.graph()?;
    let weights = flow::weights("synthetic:0")?;
    model(&folder, &graph, weights.as_ref(), policy)?;
    let inputs = flow::inputs_of(case.model()?, &graph, case.batch)?;
    let inputs: Vec<HostTensor> = inputs.into_iter().map(|(_, tensor)| tensor).collect();
    data(&folder, "input", &inputs)?;
    let golden = support::golden(&format!("{}.safetensors", case.name));
    let expected = reference::load(&golden)?;
    let outputs = graph.outputs().iter().map(|(name, _)| {
        let found = expected.iter().find(|(other, _)| other == name);
        let (_, tensor) = found.with_context(|| format!("no golden output {name}"))?;
        Ok(tensor.clone())
    });
    data(
        &folder,
        "output",
        &outputs.collect::<anyhow::Result<Vec<_>>>()?,
    )
}
