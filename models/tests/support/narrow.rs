//! Small models in 16-bit types: as near to the reference in f32 as the type allows.

use anyhow::{Context, ensure};
use nongemm_core::dtype::DType;
use nongemm_core::plugin::Device;

use super::case::Case;
use super::flow::{self, Tensors};
use super::{golden, reference};

/// How far each type may be away, relative to the largest magnitude: about 16 units in its last place,
/// which errors of weights and of a few layers add up to.
const TOLERANCES: [(DType, f64); 2] = [(DType::F16, 1.0 / 128.0), (DType::BF16, 1.0 / 16.0)];

/// Runs all small models in both types.
pub fn check(backend: &str) -> anyhow::Result<()> {
    check_cases(backend, &Case::small())
}

/// Runs these in both types.
pub fn check_cases(backend: &str, cases: &[Case]) -> anyhow::Result<()> {
    for case in cases {
        for (dtype, tolerance) in TOLERANCES {
            let case = Case {
                dtype,
                ..case.clone()
            };
            let context = || format!("{} in {dtype} on {backend}", case.name);
            one(backend, &case, tolerance).with_context(context)?;
        }
    }
    Ok(())
}

fn one(backend: &str, case: &Case, tolerance: f64) -> anyhow::Result<()> {
    let graph = case.graph()?;
    let options = flow::options(Device::Cpu, case.dtype, &[])?;
    let weights = flow::weights("synthetic:0")?;
    let inputs = flow::inputs_of(case.model()?, &graph, case.batch)?;
    let found = flow::run(backend, &options, &graph, weights.as_ref(), &inputs)?;
    for (name, tensor) in &found {
        ensure!(tensor.data().is_finite(), "{name} is not finite");
    }
    let expected = reference::load(&golden(&format!("{}.safetensors", case.name)))?;
    let (detections, numbers): (Tensors, Tensors) = expected
        .into_iter()
        .partition(|(name, _)| name.contains('.'));
    present(&found, &detections)?;
    let found: Tensors = found
        .into_iter()
        .filter(|(name, _)| !name.contains('.'))
        .collect();
    let worst = flow::compare(&found, &numbers)?;
    ensure!(worst.relative <= tolerance, "{worst:?}");
    Ok(())
}

/// What is found in each image (`boxes.0`). Which boxes turns on the last digits of their scores; that
/// some are found does not.
fn present(found: &Tensors, expected: &Tensors) -> anyhow::Result<()> {
    for (name, tensor) in expected {
        let other = found.iter().find(|(other, _)| other == name);
        let (_, other) = other.with_context(|| format!("output {name} is missing"))?;
        ensure!(
            other.shape().len() == tensor.shape().len() && !other.data().is_empty(),
            "output {name} has shape {:?}, should be like {:?}",
            other.shape(),
            tensor.shape()
        );
    }
    Ok(())
}
