//! `nongemm machine`: what the machine gives at best, through each backend's own kernels.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use nongemm_core::dtype::DType;
use nongemm_core::measure::Limits;
use nongemm_core::op::OpInstance;
use nongemm_core::plugin::{Availability, Backend, Device, Plugins};
use nongemm_core::record::{AloneTimes, Ceiling, Ceilings, Outcome};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::Matmul;

use crate::alone::{Process, Request, Setup, Spoken, copy_call, last_level_cache};
use crate::args::MachineArgs;
use crate::error::CliError;
use crate::signals::Signals;
use crate::{ceilings, terminal};

/// The tensor that is copied is this many times as large as the last-level cache.
const CACHES: usize = 4;

/// Bytes of the tensor that is copied on a device.
const DEVICE_COPY: usize = 1 << 30;

/// Sides of the square matrices: doubled from the first until a product takes [`LONG_NS`].
const SIDES: [usize; 5] = [512, 1024, 2048, 4096, 8192];

/// A product that takes so long is long enough for the threads to start and end.
const LONG_NS: f64 = 50e6;

/// Runs the command.
pub(crate) fn run(args: &MachineArgs, plugins: &Plugins) -> Result<ExitCode, CliError> {
    let backends = chosen(args, plugins)?;
    let signals = Signals::watch()?;
    let threads = super::threads(args.threads)?;
    let mut all = Vec::new();
    let mut failed = false;
    for backend in backends {
        for &device in &args.device {
            if let Availability::Missing { reason, remedy } =
                backend.check_device(device, DType::F32)
            {
                let id = backend.id();
                return Err(CliError::usage(format!(
                    "{id} on {device}: {reason}; {remedy}"
                )));
            }
            let point = Point {
                backend,
                device,
                threads,
                interrupted: &signals.interrupted,
            };
            match point.measure(&args.dtype) {
                Ok(found) => {
                    ceilings::save(&found).map_err(CliError::failed)?;
                    all.push(found);
                }
                Err(error) => {
                    eprintln!("nongemm: {} on {device}: {error:#}", backend.id());
                    failed = true;
                }
            }
            if let Some(signal) = signals.received() {
                return Ok(ExitCode::from(128 + signal));
            }
        }
    }
    if args.json {
        let text = serde_json::to_string_pretty(&all).map_err(CliError::failed)?;
        terminal::print(&format!("{text}\n"))?;
    } else {
        terminal::print(&all.iter().map(shown).collect::<String>())?;
    }
    Ok(ExitCode::from(u8::from(failed)))
}

/// The backends that are named, else all that can be used here.
fn chosen(args: &MachineArgs, plugins: &Plugins) -> Result<Vec<&'static dyn Backend>, CliError> {
    if args.backend.is_empty() {
        let all = plugins.backends.iter().map(|entry| entry.plugin);
        return Ok(all.filter(|backend| backend.check().is_ready()).collect());
    }
    let named = args
        .backend
        .iter()
        .map(|id| super::ready_backend(id, plugins));
    named.collect()
}

/// What is measured together: one worker.
struct Point<'a> {
    backend: &'static dyn Backend,
    device: Device,
    threads: usize,
    interrupted: &'a AtomicBool,
}

impl Point<'_> {
    fn measure(&self, dtypes: &[DType]) -> anyhow::Result<Ceilings> {
        let elements = match self.device {
            Device::Cpu => CACHES * last_level_cache(),
            Device::Cuda(_) => DEVICE_COPY,
        } / DType::F32.size();
        self.tell("copying");
        let copy = self.worker(DType::F32, |worker| {
            self.call(worker, copy_call(elements), &Limits::default())
        })?;
        let mut peaks = BTreeMap::new();
        for &dtype in dtypes {
            self.tell(&format!("multiplying matrices in {dtype}"));
            let peak = match self.backend.check_device(self.device, dtype) {
                Availability::Ready { .. } => {
                    self.worker(dtype, |worker| self.product(worker, dtype))
                }
                Availability::Missing { reason, .. } => Err(anyhow::anyhow!("{reason}")),
            };
            match peak {
                Ok(times) => peaks.extend(ceiling(times.flops, &times).map(|rate| (dtype, rate))),
                Err(error) => self.tell(&format!("no products in {dtype}: {error:#}")),
            }
        }
        Ok(Ceilings {
            backend: self.backend.id().to_owned(),
            device: self.device,
            threads: self.threads,
            copy_bytes_per_s: ceiling(copy.bytes, &copy),
            gemm_flops_per_s: peaks,
            key: ceilings::key(self.backend, self.device, self.threads),
            measured: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        })
    }

    fn tell(&self, what: &str) {
        eprintln!("{} on {}: {what}", self.backend.id(), self.device);
    }

    fn worker(
        &self,
        dtype: DType,
        body: impl FnOnce(&mut Process) -> anyhow::Result<AloneTimes>,
    ) -> anyhow::Result<AloneTimes> {
        let setup = Setup {
            backend: self.backend.id().to_owned(),
            device: self.device,
            dtype,
            threads: self.threads,
            settings: BTreeMap::new(),
            cold: false,
            energy: false,
        };
        let environment = self.backend.environment(self.threads);
        let (mut process, _) = Process::start(&setup, &environment, self.interrupted)?;
        body(&mut process)
    }

    fn call(
        &self,
        worker: &mut Process,
        call: OpInstance,
        limits: &Limits,
    ) -> anyhow::Result<AloneTimes> {
        match worker.call(&Request::new(None, call, limits), self.interrupted) {
            Spoken::Answer(Outcome::Ok(times)) => Ok(*times),
            Spoken::Answer(Outcome::Refused { reason } | Outcome::Failed { reason })
            | Spoken::Gone(reason) => anyhow::bail!("{reason}"),
            Spoken::Interrupted => anyhow::bail!("interrupted"),
        }
    }

    /// A product of square matrices that is long enough, and then precisely.
    fn product(&self, worker: &mut Process, dtype: DType) -> anyhow::Result<AloneTimes> {
        let once = Limits {
            max_time: Duration::ZERO,
            min_samples: 1,
            ..Limits::default()
        };
        let mut long_enough = product_call(SIDES[0], dtype);
        for side in SIDES {
            long_enough = product_call(side, dtype);
            let times = self.call(worker, long_enough.clone(), &once)?;
            if times.ns() >= LONG_NS {
                break;
            }
        }
        self.call(worker, long_enough, &Limits::default())
    }
}

fn product_call(side: usize, dtype: DType) -> OpInstance {
    let square = TensorSpec::new(dtype, [side, side]);
    OpInstance::new(&Matmul {}, &[square.clone(), square])
}

/// An amount per call as a rate.
fn ceiling(amount: Option<u64>, times: &AloneTimes) -> Option<Ceiling> {
    let series = times.device.as_ref().unwrap_or(&times.hot);
    let amount = amount? as f64 * 1e9;
    let [low, high] = series.ci95_ns;
    (low > 0.0).then(|| Ceiling {
        value: amount / series.median_ns,
        ci95: [amount / high, amount / low],
        n: series.n,
    })
}

fn shown(ceilings: &Ceilings) -> String {
    let Ceilings {
        backend,
        device,
        threads,
        ..
    } = ceilings;
    let mut text = format!("{backend} on {device}, {threads} threads\n");
    let mut line = |name: &str, ceiling: &Ceiling, unit: &str| {
        let [low, high] = ceiling.ci95.map(|value| value / 1e9);
        let value = ceiling.value / 1e9;
        let n = ceiling.n;
        let _ = writeln!(
            text,
            "  {name:<10}{value:>10.2} {unit:<8} [{low:.2}, {high:.2}], {n} samples"
        );
    };
    if let Some(copy) = &ceilings.copy_bytes_per_s {
        line("copy", copy, "GB/s");
    }
    for (dtype, peak) in &ceilings.gemm_flops_per_s {
        line(&format!("gemm {dtype}"), peak, "GFLOP/s");
    }
    text
}

#[cfg(test)]
mod tests {
    use nongemm_core::measure::{Series, Stop};

    use super::*;

    #[test]
    fn rates_are_amounts_over_times_and_their_intervals_turn_round() {
        let series = |samples: Vec<f64>| Series::new(samples, 1, Stop::TargetCi, Vec::new());
        let times = AloneTimes {
            steps: vec!["matmul".to_owned()],
            hot: series(vec![100.0, 200.0, 400.0]),
            cold: None,
            host: series(vec![90.0]),
            device: None,
            flops: Some(1_000),
            bytes: None,
            outputs: Vec::new(),
            energy: Vec::new(),
            energy_left_out: Vec::new(),
        };
        let peak = ceiling(times.flops, &times).unwrap();
        assert_eq!((peak.value, peak.ci95, peak.n), (5e9, [2.5e9, 10e9], 3));
        assert_eq!(ceiling(times.bytes, &times), None);
    }
}
