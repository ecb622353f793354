//! End-to-end latency against candle-transformers' own models on the same weights and inputs.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor};
use candle_nn::{Module, VarBuilder};
use candle_transformers::models::{bert, resnet, vit};
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::plugin::Plugins;
use nongemm_core::tensor::{HostData, HostTensor};

use crate::interleave::{interleave, median_ms};
use crate::support::{named_weights, prepare};

/// A model of candle-transformers as a function of its inputs.
type Reference = Box<dyn Fn(&[Tensor]) -> candle_core::Result<Tensor>>;

/// Loads a model of candle-transformers.
type Load = fn(VarBuilder<'static>) -> candle_core::Result<Reference>;

/// Prints one line for each model.
pub(crate) fn run() -> Result<()> {
    let models: [(&str, Load); 3] = [("bert", bert), ("vit-b16", vit), ("resnet50", resnet50)];
    let plugins = Plugins::collect()?;
    for (id, load) in models {
        compare(id, load, &plugins).with_context(|| id.to_owned())?;
    }
    Ok(())
}

fn compare(id: &str, load: Load, plugins: &Plugins) -> Result<()> {
    let mut prepared = prepare(id, plugins)?;
    let mut tensors = HashMap::new();
    for (names, tensor) in named_weights(&prepared.checked.graph, plugins)? {
        let tensor = to_candle(&tensor)?;
        for name in names {
            tensors.insert(name, tensor.clone());
        }
    }
    let reference = load(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu))?;
    let inputs: Vec<Tensor> = prepared
        .inputs
        .iter()
        .map(to_candle)
        .collect::<Result<_>>()?;

    let clock = Monotonic::new();
    let mut recorder = Recorder::new(&clock, Mode::Off, 0);
    let session = &mut prepared.session;
    let pairs = interleave(
        11,
        Duration::from_secs(40),
        &mut || session.run(&mut recorder),
        &mut || {
            std::hint::black_box(reference(&inputs)?);
            Ok(())
        },
    )?;
    let ours = session.outputs()?.remove(0).1.data().to_f64();
    let theirs = reference(&inputs)?.flatten_all()?.to_vec1::<f32>()?;
    let largest = theirs.iter().fold(0.0f64, |m, x| m.max(f64::from(x.abs())));
    let error = ours
        .iter()
        .zip(&theirs)
        .fold(0.0f64, |m, (a, b)| m.max((a - f64::from(*b)).abs()));
    let (ratio, [low, high]) = pairs.ratio();
    println!(
        "  {id:10} {:8.2} ms, candle-transformers {:8.2} ms: ratio {ratio:.3} [{low:.3}, {high:.3}], \
         n = {}, outputs differ by {:.1e} of the largest",
        median_ms(&pairs.a),
        median_ms(&pairs.b),
        pairs.a.len(),
        error / largest,
    );
    Ok(())
}

fn to_candle(tensor: &HostTensor) -> Result<Tensor> {
    let shape = tensor.shape();
    Ok(match tensor.data() {
        HostData::F32(v) => Tensor::from_slice(v, shape, &Device::Cpu)?,
        HostData::I64(v) => Tensor::from_slice(v, shape, &Device::Cpu)?,
        other => anyhow::bail!("no candle tensor of {}", other.dtype()),
    })
}

fn bert(vb: VarBuilder<'static>) -> candle_core::Result<Reference> {
    let model = bert::BertForMaskedLM::load(vb, &bert::Config::default())?;
    Ok(Box::new(move |inputs| {
        let ids = &inputs[0];
        model.forward(ids, &ids.zeros_like()?, None)
    }))
}

fn vit(vb: VarBuilder<'static>) -> candle_core::Result<Reference> {
    let model = vit::Model::new(&vit::Config::vit_base_patch16_224(), 1000, vb)?;
    Ok(Box::new(move |inputs| model.forward(&inputs[0])))
}

fn resnet50(vb: VarBuilder<'static>) -> candle_core::Result<Reference> {
    let model = resnet::resnet50(1000, vb)?;
    Ok(Box::new(move |inputs| model.forward(&inputs[0])))
}
