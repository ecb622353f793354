//! Runs a graph through a backend and compares outputs.

use anyhow::{Context, ensure};
use nongemm_core::dtype::DType;
use nongemm_core::graph::Graph;
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::plugin::{
    Backend, Dataset, Device, Domain, InputRequest, Model, Plugins, PrepareOptions, Registry,
    Settings, WeightSource, split_location,
};
use nongemm_core::rng::Uniform;
use nongemm_core::run::Reader;
use nongemm_core::tensor::{HostData, HostTensor};
use nongemm_datasets as _;
use nongemm_weights as _;

use super::case::Case;
use super::{golden, masks, reference};

/// Named tensors.
pub type Tensors = Vec<(String, HostTensor)>;

/// Inputs that are the same everywhere: indices into their tables, numbers between -2 and 2.
pub fn inputs(graph: &Graph) -> anyhow::Result<Tensors> {
    let mut tensors = Tensors::new();
    for input in graph.inputs() {
        let spec = graph.spec(input.value);
        let shape = spec.shape.known().context("an input has an open shape")?;
        let count = shape.iter().product();
        let mut stream = Uniform::new(0, &input.name);
        let data = match input.below {
            Some(below) => {
                let below = u32::try_from(below)?;
                HostData::I64(
                    (0..count)
                        .map(|_| stream.next_below(below).into())
                        .collect(),
                )
            }
            None => {
                let number = |_| (stream.next_f64() * 4.0 - 2.0) as f32;
                HostData::F32((0..count).map(number).collect()).to_float(spec.dtype)
            }
        };
        tensors.push((input.name.clone(), HostTensor::new(shape, data)?));
    }
    Ok(tensors)
}

/// Inputs of a model: for detectors photographs, because noise has no regions, else [`inputs`].
pub fn inputs_of(model: &dyn Model, graph: &Graph, batch: usize) -> anyhow::Result<Tensors> {
    if model.domain() != Domain::ObjectDetection {
        return inputs(graph);
    }
    inputs_from("sample", model, graph, batch)
}

/// Inputs of a model from a dataset, `ID` or `ID:PATH`, as a run that is measured has them.
pub fn inputs_from(
    location: &str,
    model: &dyn Model,
    graph: &Graph,
    batch: usize,
) -> anyhow::Result<Tensors> {
    let (id, path) = split_location(location);
    let dataset = Registry::<dyn Dataset>::collect()?.get(id)?;
    let preprocessor = model.preprocessor();
    let mut samples = Reader::open(dataset, preprocessor.modality(), path)?;
    let tensors = preprocessor.prepare(&mut samples, &InputRequest::of(graph, batch))?;
    let names = graph.inputs().iter().map(|input| input.name.clone());
    Ok(names.zip(tensors).collect())
}

/// Opens weights by location, `synthetic:0` for example.
pub fn weights(location: &str) -> anyhow::Result<Box<dyn WeightSource>> {
    Plugins::collect()?.open_weights(location)
}

/// On all processors, with settings of the backend.
pub fn options(
    device: Device,
    dtype: DType,
    settings: &[(&str, &str)],
) -> anyhow::Result<PrepareOptions> {
    let settings = settings.iter().map(|(k, v)| ((*k).into(), (*v).into()));
    Ok(PrepareOptions {
        device,
        dtype,
        threads: std::thread::available_parallelism()?.get(),
        settings: Settings::new(settings.collect()),
    })
}

/// Runs a graph once on a backend.
pub fn run(
    backend: &str,
    options: &PrepareOptions,
    graph: &Graph,
    weights: &dyn WeightSource,
    inputs: &Tensors,
) -> anyhow::Result<Tensors> {
    let backend = Registry::<dyn Backend>::collect()?.get(backend)?;
    weights.verify(graph)?;
    let mut session = backend.prepare(graph, weights, options)?;
    let inputs: Vec<HostTensor> = inputs.iter().map(|(_, tensor)| tensor.clone()).collect();
    session.bind(&inputs)?;
    let clock = Monotonic::new();
    session.run(&mut Recorder::new(&clock, Mode::Off, session.steps().len()))?;
    session.outputs()
}

/// Runs a configuration on a backend with synthetic weights, and compares its outputs with those of the
/// reference (`golden/NAME.safetensors`).
pub fn parity(backend: &str, case: &Case, settings: &[(&str, &str)]) -> anyhow::Result<Difference> {
    let graph = case.graph()?;
    let options = options(Device::Cpu, case.dtype, settings)?;
    let weights = weights("synthetic:0")?;
    let inputs = inputs_of(case.model()?, &graph, case.batch)?;
    let found = run(backend, &options, &graph, weights.as_ref(), &inputs)?;
    let expected = reference::load(&golden(&format!("{}.safetensors", case.name)))?;
    let worst = compare(&found, &expected)?;
    ensure!(worst.scale > 0.1, "the outputs say nothing");
    Ok(worst)
}

/// How far two outputs are apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// The output that is furthest apart.
    pub output: String,
    /// Largest absolute difference.
    pub absolute: f64,
    /// The same, relative to the largest expected magnitude.
    pub relative: f64,
    /// Largest expected magnitude.
    pub scale: f64,
    /// Masks that are not compared because rounding decides about the pixels of their box.
    pub undecided: usize,
}

/// Compares outputs by name with the expected ones; the worst difference.
pub fn compare(found: &Tensors, expected: &Tensors) -> anyhow::Result<Difference> {
    ensure!(
        found.len() == expected.len(),
        "{} outputs where {} are expected",
        found.len(),
        expected.len()
    );
    let mut worst = Difference::default();
    for (name, tensor) in expected {
        let other = found.iter().find(|(other, _)| other == name);
        let (_, other) = other.with_context(|| format!("output {name} is missing"))?;
        ensure!(
            other.shape() == tensor.shape(),
            "output {name} has shape {:?}, should have {:?}",
            other.shape(),
            tensor.shape()
        );
        let (mut a, b) = (other.data().to_f64(), tensor.data().to_f64());
        worst.undecided += masks::leave_out_undecided(name, expected, &mut a, &b)?;
        let scale = b.iter().fold(0.0f64, |max, x| max.max(x.abs()));
        ensure!(
            scale.is_finite(),
            "the expected output {name} is not finite"
        );
        // NaN and infinities must not get lost in `max`.
        let largest = |max: f64, (a, b): (&f64, &f64)| {
            let distance = (a - b).abs();
            if distance.is_finite() {
                max.max(distance)
            } else {
                f64::INFINITY
            }
        };
        let absolute = a.iter().zip(&b).fold(0.0, largest);
        let relative = absolute / scale.max(f64::MIN_POSITIVE);
        if relative >= worst.relative {
            worst = Difference {
                output: name.clone(),
                absolute,
                relative,
                scale,
                undecided: worst.undecided,
            };
        }
    }
    Ok(worst)
}
