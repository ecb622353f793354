//! candle as a backend.

use std::sync::OnceLock;

use anyhow::Context;
use candle_core::utils::{with_avx, with_f16c, with_neon};
use nongemm_core::dtype::DType;
use nongemm_core::graph::Graph;
use nongemm_core::interpreter::Interpreter;
use nongemm_core::kernel::Kernels;
use nongemm_core::op::Op;
use nongemm_core::plugin::{
    Availability, Backend, Device, PrepareError, PrepareOptions, Session, Settings, WeightSource,
};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;

use crate::engine::Candle;

/// The candle release that this crate is built with; a test compares it with `Cargo.lock`.
const CANDLE_VERSION: &str = "0.11.1";

/// The backend `candle`.
pub struct CandleBackend;

register!(dyn Backend, &CandleBackend);

/// The kernels of this binary, collected once.
fn kernels() -> anyhow::Result<&'static Kernels<Candle>> {
    static KERNELS: OnceLock<Result<Kernels<Candle>, String>> = OnceLock::new();
    KERNELS
        .get_or_init(|| Kernels::collect().map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|message| anyhow::anyhow!("{message}"))
}

fn open(device: Device) -> anyhow::Result<Candle> {
    let device = match device {
        Device::Cpu => candle_core::Device::Cpu,
        Device::Cuda(index) => {
            #[cfg(feature = "cuda")]
            crate::cuda::load()?;
            candle_core::Device::new_cuda(index)
                .map_err(|error| first_line(&error))
                .with_context(|| format!("device cuda:{index} cannot be used"))?
        }
    };
    Ok(Candle::new(device))
}

/// candle's errors carry a backtrace where one is asked for, which says nothing about a device.
fn first_line(error: &candle_core::Error) -> anyhow::Error {
    let text = error.to_string();
    anyhow::anyhow!("{}", text.lines().next().unwrap_or_default().to_owned())
}

/// The vector instructions that candle found.
fn cpu_detail() -> String {
    let found: Vec<&str> = [
        ("avx2", with_avx()),
        ("f16c", with_f16c()),
        ("neon", with_neon()),
    ]
    .into_iter()
    .filter_map(|(name, present)| present.then_some(name))
    .collect();
    format!("cpu {}", found.join(" "))
}

impl Backend for CandleBackend {
    fn id(&self) -> &'static str {
        "candle"
    }

    fn summary(&self) -> &'static str {
        "the graph, node by node, on candle-core and candle-nn"
    }

    fn check(&self) -> Availability {
        match kernels() {
            Ok(_) => Availability::ready(format!("candle {CANDLE_VERSION}")),
            Err(error) => Availability::missing(
                format!("{error:#}"),
                "link only one crate that registers the kernel",
            ),
        }
    }

    fn check_device(&self, device: Device, dtype: DType) -> Availability {
        if !dtype.is_float() {
            return Availability::missing(
                format!("models do not run in {dtype}"),
                "choose --dtype f32, f16, bf16 or f64",
            );
        }
        match device {
            Device::Cpu => Availability::ready(cpu_detail()),
            Device::Cuda(_) if !cfg!(feature = "cuda") => Availability::missing(
                "this binary was built without candle's CUDA kernels",
                "build with `--features cuda` (`cargo xtask` does for `--device cuda:N`)",
            ),
            Device::Cuda(index) => match open(device) {
                Ok(_) => Availability::ready(format!("cuda:{index}")),
                Err(error) => Availability::missing(
                    format!("{error:#}"),
                    "check with `nvidia-smi` that the driver works and the GPU exists, and put the \
                     folder of CUDA 13's libraries on LD_LIBRARY_PATH",
                ),
            },
        }
    }

    fn versions(&self) -> Vec<(String, String)> {
        vec![("candle".to_owned(), CANDLE_VERSION.to_owned())]
    }

    /// candle reads both: rayon's for matrix products, convolutions and reductions, its own for
    /// element-wise operations.
    fn environment(&self, threads: usize) -> Vec<(String, String)> {
        ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"]
            .into_iter()
            .map(|name| (name.to_owned(), threads.to_string()))
            .collect()
    }

    /// None of its own.
    fn check_settings(&self, _: &Settings) -> anyhow::Result<()> {
        Ok(())
    }

    fn has_kernel(&self, op: &dyn Op, inputs: &[TensorSpec]) -> bool {
        kernels().is_ok_and(|kernels| kernels.find(op, inputs).is_some())
    }

    fn prepare(
        &self,
        graph: &Graph,
        weights: &dyn WeightSource,
        options: &PrepareOptions,
    ) -> Result<Box<dyn Session>, PrepareError> {
        let engine = open(options.device)?;
        let session = Interpreter::prepare(engine, kernels()?, graph, weights, options)?;
        Ok(Box::new(session))
    }
}

#[cfg(test)]
mod tests {
    use nongemm_core::plugin::Registry;

    use super::*;

    #[test]
    fn the_version_is_that_of_the_lock_file() {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
        let lock = std::fs::read_to_string(lock).unwrap();
        let entry = format!("name = \"candle-core\"\nversion = \"{CANDLE_VERSION}\"");
        assert!(
            lock.contains(&entry),
            "CANDLE_VERSION is not that of Cargo.lock"
        );
    }

    #[test]
    fn it_is_registered_and_ready() {
        let registry = Registry::<dyn Backend>::collect().unwrap();
        let backend = registry.get("candle").unwrap();
        let ready = Availability::ready("candle 0.11.1");
        assert_eq!(backend.check(), ready);
        assert!(backend.check_device(Device::Cpu, DType::F32).is_ready());
        assert!(!backend.check_device(Device::Cpu, DType::I64).is_ready());
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn without_the_feature_cuda_says_how_to_get_it() {
        let Availability::Missing { remedy, .. } =
            CandleBackend.check_device(Device::Cuda(0), DType::F32)
        else {
            panic!("cuda cannot be ready without the feature");
        };
        assert!(remedy.contains("--features cuda"), "{remedy}");
    }
}
