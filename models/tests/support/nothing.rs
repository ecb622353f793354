//! Detectors that find nothing: tensors are empty, as torchvision's are.

use anyhow::{Context, ensure};
use nongemm_core::dtype::DType;
use nongemm_core::graph::{Graph, Param};
use nongemm_core::plugin::{Device, WeightSource};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::{HostData, HostTensor};

use super::case::Case;
use super::flow;

/// Other weights, but for the bias of one layer.
struct Biased {
    others: Box<dyn WeightSource>,
    name: &'static str,
    /// The first element, and all that follow.
    bias: [f32; 2],
}

/// Boxes so far away that nothing of them is left in the image, and backgrounds that are sure to be some.
const BIASES: [(&str, [f32; 2]); 2] = [
    ("rpn.head.bbox_pred.bias", [-1e3, -1e3]),
    ("roi_heads.box_predictor.cls_score.bias", [1e3, 0.0]),
];

impl WeightSource for Biased {
    fn describe(&self) -> String {
        self.others.describe()
    }

    fn verify(&self, graph: &Graph) -> anyhow::Result<()> {
        self.others.verify(graph)
    }

    fn load(&self, param: &Param, spec: &TensorSpec) -> anyhow::Result<HostTensor> {
        if param.name != self.name {
            return self.others.load(param, spec);
        }
        let shape = spec.shape.known().context("weights have sizes")?;
        let mut data = vec![self.bias[1]; shape.iter().product()];
        data[0] = self.bias[0];
        HostTensor::new(shape, HostData::F32(data))
    }
}

/// Runs small detectors that propose nothing, and some that propose but detect nothing.
pub fn check(backend: &str) -> anyhow::Result<()> {
    for model in ["faster-rcnn", "mask-rcnn"] {
        for nms in ["offset", "loop"] {
            let case = Case::small_of(model)?.with(&[("nms", nms)]);
            for (name, bias) in BIASES {
                let context = || format!("{model} with nms {nms} and {name} {bias:?} on {backend}");
                one(backend, &case, name, bias).with_context(context)?;
            }
        }
    }
    Ok(())
}

fn one(backend: &str, case: &Case, name: &'static str, bias: [f32; 2]) -> anyhow::Result<()> {
    let graph = case.graph()?;
    let weights = Biased {
        others: flow::weights("synthetic:0")?,
        name,
        bias,
    };
    let known = graph.params().iter().any(|param| param.name == name);
    ensure!(known, "there is no parameter {name}");
    let inputs = flow::inputs_of(case.model()?, &graph, case.batch)?;
    let options = flow::options(Device::Cpu, DType::F32, &[])?;
    let found = flow::run(backend, &options, &graph, &weights, &inputs)?;
    ensure!(found.len() == graph.outputs().len(), "outputs are missing");
    for ((name, value), (_, tensor)) in graph.outputs().iter().zip(&found) {
        let declared = graph.spec(*value).shape.dims();
        let empty: Vec<usize> = declared.iter().map(|d| d.known().unwrap_or(0)).collect();
        ensure!(
            tensor.shape() == empty,
            "{name} has shape {:?} instead of {empty:?}",
            tensor.shape()
        );
    }
    Ok(())
}
