//! Models prepared as `nongemm bench` prepares them.

use std::collections::BTreeMap;

use anyhow::Result;
use nongemm_candle as _;
use nongemm_core::dtype::DType;
use nongemm_core::graph::Graph;
use nongemm_core::plan::{CheckedRun, check};
use nongemm_core::plugin::{Device, Plugins, PrepareOptions, Session};
use nongemm_core::record::RunSpec;
use nongemm_core::tensor::HostTensor;
use nongemm_datasets as _;
use nongemm_models as _;
use nongemm_operators as _;
use nongemm_probes as _;
use nongemm_weights as _;

/// The default run of a model on candle.
pub(crate) fn spec(model: &str, plugins: &Plugins) -> Result<RunSpec> {
    let sizes = plugins.models.get(model)?.sizes();
    Ok(RunSpec {
        model: model.to_owned(),
        backend: "candle".to_owned(),
        device: Device::Cpu,
        dtype: DType::F32,
        batch: 1,
        seq: sizes.seq,
        image: sizes.image,
        weights: "synthetic:0".to_owned(),
        dataset: "sample".to_owned(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        inputs: 1,
        settings: BTreeMap::new(),
    })
}

/// A model ready to run, and its inputs.
pub(crate) struct Prepared {
    pub(crate) checked: CheckedRun,
    pub(crate) session: Box<dyn Session>,
    pub(crate) inputs: Vec<HostTensor>,
}

/// Prepares the default run of a model.
pub(crate) fn prepare(model: &str, plugins: &Plugins) -> Result<Prepared> {
    let spec = spec(model, plugins)?;
    let checked = check(&spec, plugins)?;
    let source = &checked.inputs;
    let samples = &mut source.samples()?;
    let inputs = source.preprocessor.prepare(samples, &source.request)?;
    let options = PrepareOptions {
        device: spec.device,
        dtype: spec.dtype,
        threads: spec.threads,
        settings: checked.settings.clone(),
    };
    let mut session =
        checked
            .backend
            .prepare(&checked.graph, checked.weights.as_ref(), &options)?;
    session.bind(&inputs)?;
    Ok(Prepared {
        checked,
        session,
        inputs,
    })
}

/// All weights of a graph by every name that a checkpoint may use for them.
pub(crate) fn named_weights(
    graph: &Graph,
    plugins: &Plugins,
) -> Result<Vec<(Vec<String>, HostTensor)>> {
    let source = plugins.open_weights("synthetic:0")?;
    graph
        .params()
        .iter()
        .map(|param| {
            let mut names = vec![param.name.clone()];
            names.extend(param.aliases.iter().cloned());
            Ok((names, source.load(param, graph.spec(param.value))?))
        })
        .collect()
}
