//! The worker's side.

use std::collections::BTreeMap;
use std::io::{BufRead, Lines, StdinLock, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nongemm_core::measure::{Call, Limits, Meters, Monotonic, Probes, SamplePlan, clock_cost};
use nongemm_core::plugin::{Backend, Plugins, PrepareOptions, Settings};
use nongemm_core::record::Outcome;
use nongemm_core::run::alone::{Alone, Beside, NotMeasured, measure, overhead};
use nongemm_core::run::{energy, start_probes};
use serde::de::DeserializeOwned;

use super::flush::Flush;
use super::{Ready, Reply, Request, Setup};
use crate::allocator;
use crate::error::CliError;
use crate::worker::die_with_parent;

/// Answers requests until standard input ends.
pub(crate) fn run(plugins: &Plugins) -> Result<ExitCode, CliError> {
    die_with_parent();
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [libc::SIGINT, libc::SIGTERM] {
        signal_hook::flag::register(signal, interrupted.clone()).map_err(CliError::failed)?;
    }
    let mut lines = std::io::stdin().lock().lines();
    let Some(setup) = next::<Setup>(&mut lines)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let (mut worker, ready) = match Worker::start(&setup, plugins, &interrupted) {
        Ok(started) => started,
        Err(error) => {
            send(&Reply::Unusable(format!("{error:#}")))?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    send(&Reply::Ready(Box::new(ready)))?;
    while let Some(request) = next::<Request>(&mut lines)? {
        let outcome = worker.answer(&request, plugins);
        send(&Reply::Done(Box::new(outcome)))?;
        allocator::trim();
    }
    Ok(ExitCode::SUCCESS)
}

fn next<T: DeserializeOwned>(lines: &mut Lines<StdinLock<'_>>) -> Result<Option<T>, CliError> {
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    let line = line.map_err(CliError::failed)?;
    serde_json::from_str(&line)
        .map(Some)
        .map_err(CliError::usage)
}

fn send(reply: &Reply) -> Result<(), CliError> {
    let mut line = serde_json::to_string(reply).map_err(CliError::failed)?;
    line.push('\n');
    let mut out = std::io::stdout().lock();
    let written = out.write_all(line.as_bytes());
    written.and_then(|()| out.flush()).map_err(CliError::failed)
}

struct Worker<'a> {
    backend: &'static dyn Backend,
    options: PrepareOptions,
    clock: Monotonic,
    probes: Probes,
    flush: Option<Flush>,
    meters: Option<Meters>,
    interrupted: &'a AtomicBool,
}

impl<'a> Worker<'a> {
    fn start(
        setup: &Setup,
        plugins: &Plugins,
        interrupted: &'a AtomicBool,
    ) -> anyhow::Result<(Self, Ready)> {
        let backend = plugins.backends.get(&setup.backend)?;
        let options = PrepareOptions {
            device: setup.device,
            dtype: setup.dtype,
            threads: setup.threads,
            settings: Settings::new(setup.settings.clone()),
        };
        let flush = match setup.cold {
            true => Some(Flush::new(backend, &options, &plugins.ops)?),
            false => None,
        };
        let (meters, energy_unavailable) = meters(setup.energy, plugins);
        let allocator = allocator::pin();
        let mut worker = Worker {
            backend,
            options,
            clock: Monotonic::new(),
            probes: start_probes(plugins),
            flush,
            meters,
            interrupted,
        };
        let ready = Ready {
            clock: clock_cost(&worker.clock),
            overhead: worker.with_plan(Limits::default(), |worker, plan, _| {
                overhead(worker.0, worker.1, plan)
            }),
            flushed_bytes: worker.flush.as_ref().map_or(0, Flush::bytes),
            energy_unavailable,
            modes: BTreeMap::from([("allocator".to_owned(), allocator)]),
        };
        Ok((worker, ready))
    }

    fn with_plan<T>(
        &mut self,
        limits: Limits,
        body: impl FnOnce((&'static dyn Backend, &PrepareOptions), &mut SamplePlan<'_>, Beside<'_>) -> T,
    ) -> T {
        let mut plan = SamplePlan {
            limits,
            clock: &self.clock,
            probes: std::mem::take(&mut self.probes),
            interrupted: self.interrupted,
            inputs: &[],
            progress: &mut |_, _| {},
        };
        let clock = &self.clock;
        let mut flush = self.flush.as_mut().map(|flush| move || flush.run(clock));
        let beside = Beside {
            flush: flush.as_mut().map(|flush| flush as Call<'_>),
            energy: self.meters.as_mut().map(|meters| (meters, energy::ALONE)),
        };
        let result = body((self.backend, &self.options), &mut plan, beside);
        self.probes = std::mem::take(&mut plan.probes);
        result
    }

    fn answer(&mut self, request: &Request, plugins: &Plugins) -> Outcome {
        let refused = |error: anyhow::Error| Outcome::Refused {
            reason: format!("{error:#}"),
        };
        let alone = match &request.vocabulary {
            None => Alone::new(&request.call, &plugins.ops),
            Some(vocabulary) => Alone::recorded(vocabulary, &request.call),
        };
        let alone = match alone {
            Ok(alone) => alone,
            Err(error) => return refused(error),
        };
        let limits = Limits {
            target_ci: request.target_ci,
            max_time: Duration::from_nanos(request.max_time_ns),
            min_samples: request.min_samples,
            max_warmup: Duration::from_nanos(request.max_time_ns / 4),
            ..Limits::default()
        };
        let measured = self.with_plan(limits, |(backend, options), plan, beside| {
            measure(&alone, backend, options, plan, beside)
        });
        match measured {
            Ok(times) => Outcome::Ok(Box::new(times)),
            Err(NotMeasured::Refused(error)) => refused(error),
            Err(NotMeasured::Failed(error)) => Outcome::Failed {
                reason: format!("{error:#}"),
            },
        }
    }
}

/// The sensors, or why there are none.
fn meters(wanted: bool, plugins: &Plugins) -> (Option<Meters>, Option<String>) {
    if !wanted {
        return (None, Some("not asked for (--energy)".to_owned()));
    }
    let (meters, reasons) = energy::open(plugins);
    match meters.is_empty() {
        true => (None, Some(energy::unavailable(&reasons))),
        false => (Some(meters), None),
    }
}
