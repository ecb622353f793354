//! Synthetic weights: random values that are the same on every machine.
//!
//! Element `i` of a parameter depends on the seed, the parameter's name and `i` alone, so threads can
//! fill any part of it, and the values in another dtype are the f32 values rounded.

use half::{bf16, f16};
use nongemm_core::dtype::DType;
use nongemm_core::graph::{Graph, Init, Param};
use nongemm_core::plugin::{Claim, WeightFormat, WeightSource};
use nongemm_core::register;
use nongemm_core::rng::Uniform;
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::{HostData, HostTensor};
use rayon::prelude::*;

use crate::element::{Element, known_shape};

/// The seed of `--weights synthetic`.
const DEFAULT_SEED: u64 = 0;

/// Elements that one task fills. Even: each word of the random stream makes two elements.
const TASK: usize = 1 << 16;

/// Elements that are made at a time before they are rounded to the wanted type.
const BLOCK: usize = 1024;

/// The weight format `synthetic` or `synthetic:SEED`.
pub struct Synthetic;

register!(dyn WeightFormat, &Synthetic);

impl WeightFormat for Synthetic {
    fn id(&self) -> &'static str {
        "synthetic"
    }

    fn summary(&self) -> &'static str {
        "synthetic[:SEED]: reproducible random weights, uniform as the model initialises them"
    }

    fn claim(&self, location: &str) -> Claim {
        match location == "synthetic" || location.starts_with("synthetic:") {
            true => Claim::Sure,
            false => Claim::No,
        }
    }

    fn open(&self, location: &str) -> anyhow::Result<Box<dyn WeightSource>> {
        let seed = match location.split_once(':') {
            None => DEFAULT_SEED,
            Some((_, text)) => text.parse().map_err(|_| {
                anyhow::anyhow!(
                    "weights `{location}`: the seed must be a whole number from 0 to {}",
                    u64::MAX
                )
            })?,
        };
        Ok(Box::new(SyntheticWeights::new(seed)))
    }
}

/// Opened synthetic weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntheticWeights {
    seed: u64,
}

impl SyntheticWeights {
    /// The weights of a seed.
    pub const fn new(seed: u64) -> Self {
        SyntheticWeights { seed }
    }
}

impl WeightSource for SyntheticWeights {
    fn describe(&self) -> String {
        format!("synthetic:{}", self.seed)
    }

    fn verify(&self, graph: &Graph) -> anyhow::Result<()> {
        for param in graph.params() {
            let spec = graph.spec(param.value);
            known_shape(&param.name, spec)?;
            anyhow::ensure!(spec.dtype.is_float(), not_float(param, spec));
        }
        Ok(())
    }

    fn load(&self, param: &Param, spec: &TensorSpec) -> anyhow::Result<HostTensor> {
        let (shape, count) = known_shape(&param.name, spec)?;
        let stream = Uniform::new(self.seed, &param.name);
        let data = match spec.dtype {
            DType::F64 => filled::<f64>(&stream, param.init, count),
            DType::F32 => filled::<f32>(&stream, param.init, count),
            DType::F16 => filled::<f16>(&stream, param.init, count),
            DType::BF16 => filled::<bf16>(&stream, param.init, count),
            _ => anyhow::bail!(not_float(param, spec)),
        };
        HostTensor::new(shape, data)
    }
}

fn not_float(param: &Param, spec: &TensorSpec) -> String {
    format!(
        "synthetic weights are floating-point, parameter `{}` is {}",
        param.name, spec.dtype
    )
}

fn filled<T: Element>(stream: &Uniform, init: Init, count: usize) -> HostData {
    let mut values = T::zeros(count);
    let tasks = values.par_chunks_mut(TASK).enumerate();
    tasks.for_each(|(task, values)| {
        let mut block = [0f32; BLOCK];
        for (index, values) in values.chunks_mut(BLOCK).enumerate() {
            let block = &mut block[..values.len()];
            fill(stream, init, task * TASK + index * BLOCK, block);
            T::from_f32s(block, values);
        }
    });
    T::wrap(values)
}

/// Makes the elements from `first` (even) on. The upper 24 bits of each half of a random word become a
/// number below 1, which f32 holds exactly.
fn fill(stream: &Uniform, init: Init, first: usize, values: &mut [f32]) {
    let low = init.mean - init.spread;
    let step = init.spread * 2f32.powi(-23);
    let value = |bits: u32| low + (bits >> 8) as i32 as f32 * step;
    let word = |index: usize| stream.bits_at((first / 2 + index) as u64);
    let (pairs, last) = values.as_chunks_mut::<2>();
    for (index, pair) in pairs.iter_mut().enumerate() {
        let bits = word(index);
        *pair = [value(bits as u32), value((bits >> 32) as u32)];
    }
    if let [last] = last {
        *last = value(word(pairs.len()) as u32);
    }
}
