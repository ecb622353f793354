//! The inputs of a run: samples of a dataset, preprocessed, or ready tensors.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::plan::CheckedInputs;
use crate::plugin::{InputRequest, RequestedInput, Sample, Tensors};
use crate::record::{Inputs, RunSpec, Turn};
use crate::tensor::{HostData, HostTensor};

/// Reads and preprocesses what a run is bound to: the tensors of each of its inputs, where they came from, and
/// what is known about each before it is measured.
///
/// # Errors
/// When the dataset has too few usable samples, or samples do not become what the graph takes.
pub(super) fn read(
    checked: &CheckedInputs,
    spec: &RunSpec,
) -> Result<(Vec<Vec<HostTensor>>, Inputs, Vec<Turn>)> {
    let (preprocessor, request) = (&checked.preprocessor, &checked.request);
    let named = || format!("dataset {}", spec.dataset);
    let mut samples = checked.samples().with_context(named)?;
    let mut record = Inputs {
        preprocessor: match samples.is_ready() {
            true => "none".to_owned(),
            false => preprocessor.describe(request),
        },
        ..Inputs::default()
    };
    let (mut inputs, mut turns) = (Vec::new(), Vec::new());
    for _ in 0..spec.inputs {
        let since = Instant::now();
        let tensors = match samples.is_ready() {
            true => ready(samples.next(), request),
            false => preprocessor.prepare(&mut samples, request),
        };
        let tensors = tensors.with_context(named)?;
        let items = samples.take_names();
        record.samples.push(items.clone());
        let names = request.inputs.iter().map(|input| input.name.clone());
        turns.push(Turn {
            items,
            prepared_ns: since.elapsed().as_nanos() as u64,
            tensors: names.zip(tensors.iter().map(HostTensor::spec)).collect(),
            n: 0,
            median_ns: 0.0,
        });
        inputs.push(tensors);
    }
    record.read_ns = samples.read_ns();
    let total: u64 = turns.iter().map(|turn| turn.prepared_ns).sum();
    record.preprocess_ns = total.saturating_sub(record.read_ns);
    record.skipped = samples.skipped().clone();
    Ok((inputs, record, turns))
}

/// Ready tensors in the order of the graph's inputs.
fn ready(sample: Option<Result<Sample>>, request: &InputRequest) -> Result<Vec<HostTensor>> {
    let Some(Sample::Tensors(mut sample)) = sample.transpose()? else {
        bail!("it holds no tensors");
    };
    let known = |name: &String| request.input(name).is_some();
    if let Some(other) = sample.tensors.keys().find(|name| !known(name)) {
        let inputs: Vec<&str> = request.inputs.iter().map(|i| i.name.as_str()).collect();
        bail!(
            "`{}` holds `{other}`, which is no input of the model: it takes {}",
            sample.name,
            inputs.join(", ")
        );
    }
    let inputs = request.inputs.iter();
    inputs.map(|input| fit(&mut sample, input)).collect()
}

/// One tensor as the graph takes it. Floating-point numbers take the graph's type.
fn fit(sample: &mut Tensors, input: &RequestedInput) -> Result<HostTensor> {
    let RequestedInput { name, spec, below } = input;
    let file = &sample.name;
    let tensor = sample
        .tensors
        .remove(name)
        .with_context(|| format!("`{file}` has no `{name}`, which the model takes as {spec}"))?;
    let found = tensor.spec();
    let both_float = found.dtype.is_float() && spec.dtype.is_float();
    ensure!(
        spec.shape.known().as_deref() == Some(tensor.shape())
            && (found.dtype == spec.dtype || both_float),
        "`{name}` of `{file}` is {found}; the model takes {spec}"
    );
    if let (Some(rows), false) = (below, spec.dtype.is_float()) {
        let ids = tensor.data().to_f64();
        if let Some(id) = ids.iter().find(|id| **id < 0.0 || **id >= *rows as f64) {
            bail!(
                "`{name}` of `{file}` holds {id}; the model takes numbers from 0 to {}",
                rows - 1
            );
        }
    }
    let shape = tensor.shape().to_vec();
    let data: HostData = match both_float {
        true => tensor.into_data().to_float(spec.dtype),
        false => tensor.into_data(),
    };
    HostTensor::new(shape, data)
}
