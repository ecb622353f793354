//! Runs single operators on the candle backend.

use std::collections::BTreeMap;

use nongemm_candle::CandleBackend;
use nongemm_core::dtype::DType;
use nongemm_core::graph::{Graph, GraphBuilder, Param, Value};
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::op::{OpCase, OpRegistry};
use nongemm_core::plugin::{Backend, Device, PrepareOptions, Session, Settings, WeightSource};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostTensor;

/// Relative to the larger of 1 and the expected value.
pub(crate) const TOLERANCE: f64 = 1e-4;

/// Graphs of a single operator have no weights.
pub(crate) struct NoWeights;

impl WeightSource for NoWeights {
    fn describe(&self) -> String {
        "none".to_owned()
    }

    fn verify(&self, _: &Graph) -> anyhow::Result<()> {
        Ok(())
    }

    fn load(&self, param: &Param, _: &TensorSpec) -> anyhow::Result<HostTensor> {
        anyhow::bail!("there is no parameter {}", param.name)
    }
}

/// What a run produced, and what it had announced.
pub(crate) struct Run {
    pub(crate) outputs: Vec<HostTensor>,
    pub(crate) inferred: Vec<TensorSpec>,
    pub(crate) produced: Vec<Vec<TensorSpec>>,
    pub(crate) steps: Vec<Vec<TensorSpec>>,
}

/// Every case of every operator.
pub(crate) fn cases() -> Vec<OpCase> {
    use nongemm_operators as _;
    OpRegistry::collect().unwrap().cases()
}

pub(crate) fn options(composites: &str) -> PrepareOptions {
    let settings = BTreeMap::from([("composites".to_owned(), composites.to_owned())]);
    PrepareOptions {
        device: Device::Cpu,
        dtype: DType::F32,
        threads: 1,
        settings: Settings::new(settings),
    }
}

/// A graph whose only node is the case's operator; its inputs are the graph's.
pub(crate) fn graph(case: &OpCase) -> Graph {
    let mut g = GraphBuilder::new(DType::F32);
    let inputs: Vec<Value> = case
        .inputs
        .iter()
        .enumerate()
        .map(|(i, input)| g.input(&format!("in{i}"), input.spec.clone()).unwrap())
        .collect();
    let outputs = g.add_shared(case.op.clone(), &inputs).unwrap();
    for (i, output) in outputs.into_iter().enumerate() {
        g.output(&format!("out{i}"), output);
    }
    g.finish()
}

pub(crate) fn prepare(graph: &Graph, composites: &str) -> anyhow::Result<Box<dyn Session>> {
    Ok(CandleBackend.prepare(graph, &NoWeights, &options(composites))?)
}

/// Runs a case with composites as the policy says.
pub(crate) fn run(case: &OpCase, composites: &str) -> anyhow::Result<Run> {
    let graph = graph(case);
    let mut session = prepare(&graph, composites)?;
    session.bind(&case.tensors()?)?;
    let clock = Monotonic::new();
    let mut recorder = Recorder::new(&clock, Mode::Shapes, session.steps().len());
    session.run(&mut recorder)?;
    let outputs = session.outputs()?;
    Ok(Run {
        outputs: outputs.into_iter().map(|(_, tensor)| tensor).collect(),
        inferred: graph
            .outputs()
            .iter()
            .map(|(_, value)| graph.spec(*value).clone())
            .collect(),
        produced: recorder
            .shapes()
            .iter()
            .map(|(_, specs)| specs.clone())
            .collect(),
        steps: session
            .steps()
            .iter()
            .map(|step| step.outputs.clone())
            .collect(),
    })
}

/// candle has no bool: its tensors of 0 and 1 are `u8`.
pub(crate) fn stored(dtype: DType) -> DType {
    if dtype == DType::Bool {
        DType::U8
    } else {
        dtype
    }
}

/// Why `found` is not what was expected.
pub(crate) fn difference(expected: &HostTensor, found: &HostTensor) -> Result<(), String> {
    if expected.shape() != found.shape() || stored(expected.dtype()) != found.dtype() {
        return Err(format!(
            "expected {}, got {}",
            expected.spec(),
            found.spec()
        ));
    }
    match deviation(expected, found) {
        error if error <= TOLERANCE => Ok(()),
        error => Err(format!("off by {error:.1e}")),
    }
}

/// The largest error, relative to the larger of 1 and the expected value; infinite where only one of
/// both is a number.
pub(crate) fn deviation(expected: &HostTensor, found: &HostTensor) -> f64 {
    let pairs = expected
        .data()
        .to_f64()
        .into_iter()
        .zip(found.data().to_f64());
    let errors = pairs.map(|(expected, found)| {
        if expected == found || expected.is_nan() && found.is_nan() {
            return 0.0;
        }
        let error = (expected - found).abs() / expected.abs().max(1.0);
        if error.is_nan() { f64::INFINITY } else { error }
    });
    errors.fold(0.0, f64::max)
}
