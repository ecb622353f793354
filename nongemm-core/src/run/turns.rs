//! The inputs of a run, from the samples of its dataset.

use std::cell::RefCell;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;

use crate::plan::CheckedRun;
use crate::plugin::InputRequest;
use crate::record::{RunSpec, Turn};
use crate::tensor::HostTensor;

/// The tensors of each input of a run, and what is known about them before they are measured.
///
/// # Errors
/// When the dataset has too few samples, or they do not fit.
pub(super) fn load(
    checked: &CheckedRun,
    spec: &RunSpec,
) -> anyhow::Result<(Vec<Vec<HostTensor>>, Vec<Turn>)> {
    let preprocessor = checked.model.preprocessor();
    let path = checked.dataset_path.as_deref().map(Path::new);
    let names = RefCell::new(Vec::new());
    let samples = checked.dataset.open(preprocessor.modality(), path)?;
    let mut samples = samples.inspect(|sample| {
        if let Ok(sample) = sample {
            names.borrow_mut().push(sample.name().to_owned());
        }
    });
    let request = InputRequest::of(&checked.graph, spec.batch);
    let mut turn = || {
        let since = Instant::now();
        let tensors = preprocessor
            .prepare(&mut samples, &request)
            .with_context(|| format!("dataset {}", spec.dataset))?;
        let inputs = request.inputs.iter().map(|input| input.name.clone());
        let turn = Turn {
            items: names.take(),
            prepared_ns: since.elapsed().as_nanos() as u64,
            tensors: inputs.zip(tensors.iter().map(HostTensor::spec)).collect(),
            n: 0,
            median_ns: 0.0,
        };
        Ok((tensors, turn))
    };
    (0..spec.inputs).map(|_| turn()).collect()
}
