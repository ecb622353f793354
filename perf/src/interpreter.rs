//! What the interpreter adds to a call of candle: a chain of calls so small that they cost little
//! more than their bookkeeping, through the interpreter and as a plain loop.

use std::time::Duration;

use anyhow::Result;
use candle_core::{DType as CandleType, Device as CandleDevice, Tensor};
use nongemm_core::dtype::DType;
use nongemm_core::graph::GraphBuilder;
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::plugin::{Device, Plugins, PrepareOptions, Settings};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::{HostData, HostTensor};
use nongemm_operators as ops;

use crate::interleave::{interleave, median_ms};

const NODES: usize = 2_000;
const ELEMENTS: usize = 16;

/// Prints the cost per node, uninstrumented and instrumented.
pub(crate) fn run() -> Result<()> {
    let plugins = Plugins::collect()?;
    let mut g = GraphBuilder::new(DType::F32);
    let input = g.input("x", TensorSpec::new(DType::F32, [ELEMENTS]))?;
    let mut x = input;
    for _ in 0..NODES / 2 {
        x = ops::relu(&mut g, x)?;
        x = ops::add(&mut g, x, input)?;
    }
    g.output("x", x);
    let graph = g.finish();
    let options = PrepareOptions {
        device: Device::Cpu,
        dtype: DType::F32,
        threads: 1,
        settings: Settings::default(),
    };
    let weights = plugins.open_weights("synthetic:0")?;
    let backend = plugins.backends.get("candle")?;
    let mut session = backend.prepare(&graph, weights.as_ref(), &options)?;
    session.bind(&[HostTensor::new(
        [ELEMENTS],
        HostData::F32(vec![1.0; ELEMENTS]),
    )?])?;

    let start = Tensor::ones(ELEMENTS, CandleType::F32, &CandleDevice::Cpu)?;
    let mut direct = || -> Result<()> {
        let mut x = start.clone();
        for _ in 0..NODES / 2 {
            x = x.relu()?;
            x = (&x + &start)?;
        }
        std::hint::black_box(x);
        Ok(())
    };
    let clock = Monotonic::new();
    for (name, mode) in [
        ("uninstrumented", Mode::Off),
        ("instrumented", Mode::Timing),
    ] {
        let mut recorder = Recorder::new(&clock, mode, graph.nodes().len());
        let pairs = interleave(
            200,
            Duration::from_secs(3),
            &mut || session.run(&mut recorder),
            &mut direct,
        )?;
        let (added, [low, high]) = pairs.difference();
        let per_node = 1e9 / NODES as f64;
        println!(
            "  {name:15} {:6.0} ns per node, candle alone {:6.0} ns: adds {:4.0} ns [{:.0}, {:.0}]",
            median_ms(&pairs.a) * 1e6 / NODES as f64,
            median_ms(&pairs.b) * 1e6 / NODES as f64,
            added * per_node,
            low * per_node,
            high * per_node,
        );
    }
    Ok(())
}
