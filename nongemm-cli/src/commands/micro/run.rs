//! One backend on one device, entry by entry.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use nongemm_core::dtype::DType;
use nongemm_core::measure::Limits;
use nongemm_core::plugin::{Backend, Plugins};
use nongemm_core::record::micro_store::Growing;
use nongemm_core::record::{
    Ceilings, MicroEntry, MicroRecord, MicroSpec, Outcome, RunRecord, SCHEMA, Software,
    group_energy, in_model,
};
use nongemm_core::run::machine;

use super::entries::Candidate;
use crate::alone::{Process, Ready, Request, Setup, Spoken};
use crate::ceilings;
use crate::error::CliError;
use crate::progress::Count;

/// What is measured together, and where it goes.
pub(super) struct Run<'a> {
    pub(super) spec: MicroSpec,
    pub(super) out: &'a Path,
    pub(super) resume: bool,
    pub(super) plugins: &'a Plugins,
    pub(super) interrupted: &'a AtomicBool,
}

/// A worker, started when it is needed and again after it died.
struct Worker<'a> {
    setup: Setup,
    environment: Vec<(String, String)>,
    interrupted: &'a AtomicBool,
    process: Option<Process>,
}

impl Worker<'_> {
    fn start(&mut self) -> anyhow::Result<Ready> {
        let (process, ready) = Process::start(&self.setup, &self.environment, self.interrupted)?;
        self.process = Some(process);
        Ok(ready)
    }

    /// What became of a call; nothing if the user interrupts.
    fn measure(&mut self, request: &Request) -> Option<Outcome> {
        if self.process.is_none()
            && let Err(error) = self.start()
        {
            let stopped = self.interrupted.load(Ordering::Relaxed);
            return (!stopped).then(|| Outcome::Failed {
                reason: format!("no worker: {error:#}"),
            });
        }
        match self.process.as_mut()?.call(request, self.interrupted) {
            Spoken::Answer(outcome) => Some(outcome),
            Spoken::Interrupted => None,
            Spoken::Gone(reason) => {
                self.process = None;
                Some(Outcome::Failed { reason })
            }
        }
    }
}

impl Run<'_> {
    /// Measures what is not measured yet and writes the record.
    pub(super) fn measure(
        self,
        candidates: &[Candidate],
        runs: &[RunRecord],
    ) -> Result<MicroRecord, CliError> {
        let backend = self.plugins.backends.get(&self.spec.backend);
        let backend = backend.map_err(CliError::usage)?;
        let mut worker = Worker {
            setup: self.setup(),
            environment: backend.environment(self.spec.threads),
            interrupted: self.interrupted,
            process: None,
        };
        let id = &self.spec.backend;
        let ready = worker
            .start()
            .map_err(|e| CliError::failed(format!("backend {id}: {e:#}")))?;
        let ceilings = ceilings::load(backend, self.spec.device, self.spec.threads);
        let header = self.header(backend, ready, ceilings.clone());
        let mut growing = Growing::begin(self.out, header, self.resume).map_err(CliError::usage)?;
        self.each(candidates, &mut growing, &mut worker, ceilings.as_ref())?;
        let compare = |record: &mut MicroRecord| {
            in_model::compare(record, runs);
            group_energy::weigh(record, runs);
        };
        growing.finish(compare).map_err(CliError::failed)
    }

    fn each(
        &self,
        candidates: &[Candidate],
        growing: &mut Growing,
        worker: &mut Worker<'_>,
        ceilings: Option<&Ceilings>,
    ) -> Result<(), CliError> {
        let done: BTreeSet<String> = growing
            .record()
            .entries
            .iter()
            .map(MicroEntry::key)
            .collect();
        let count = Count::start(&self.spec.id(), candidates.len());
        for candidate in candidates {
            let candidate = candidate.in_type(self.spec.dtype);
            if done.contains(&candidate.key()) {
                count.next(&candidate.call.op, None);
                continue;
            }
            let outcome = match &candidate.refused {
                Some(reason) => Some(Outcome::Refused {
                    reason: reason.clone(),
                }),
                None => worker.measure(&self.request(&candidate)),
            };
            let Some(outcome) = outcome else { break };
            let problem = match &outcome {
                Outcome::Ok(_) => None,
                Outcome::Refused { reason } => Some(format!("refused: {reason}")),
                Outcome::Failed { reason } => Some(format!("failed: {reason}")),
            };
            count.next(&candidate.call.op, problem.as_deref());
            growing
                .add(entry(&candidate, outcome, ceilings))
                .map_err(CliError::failed)?;
            if self.interrupted.load(Ordering::Relaxed) {
                break;
            }
        }
        count.finish();
        Ok(())
    }

    fn request(&self, candidate: &Candidate) -> Request {
        let limits = Limits {
            target_ci: self.spec.target_ci,
            max_time: Duration::from_nanos(self.spec.max_time_ns),
            min_samples: self.spec.min_samples,
            ..Limits::default()
        };
        let vocabulary = candidate.vocabulary.clone();
        Request::new(vocabulary, candidate.call.clone(), &limits)
    }

    fn setup(&self) -> Setup {
        Setup {
            backend: self.spec.backend.clone(),
            device: self.spec.device,
            dtype: self.spec.dtype.unwrap_or(DType::F32),
            threads: self.spec.threads,
            settings: self.spec.settings.clone(),
            cold: true,
            energy: self.spec.energy,
        }
    }

    fn header(
        &self,
        backend: &dyn Backend,
        ready: Ready,
        ceilings: Option<Ceilings>,
    ) -> MicroRecord {
        let mut machine = machine::describe();
        machine.ceilings.extend(ceilings);
        MicroRecord {
            schema: SCHEMA,
            id: self.spec.id(),
            spec: self.spec.clone(),
            machine,
            software: Software {
                nongemm: env!("CARGO_PKG_VERSION").to_owned(),
                backend: self.spec.backend.clone(),
                libraries: backend.versions().into_iter().collect(),
                modes: ready.modes,
            },
            started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            clock: ready.clock,
            overhead: ready.overhead,
            flushed_bytes: ready.flushed_bytes,
            energy_unavailable: ready.energy_unavailable,
            group_energy: Vec::new(),
            entries: Vec::new(),
        }
    }
}

fn entry(candidate: &Candidate, outcome: Outcome, ceilings: Option<&Ceilings>) -> MicroEntry {
    let times = outcome.times();
    let floating = |call: &nongemm_core::op::OpInstance| {
        let mut dtypes = call.inputs.iter().map(|spec| spec.dtype);
        dtypes.find(|dtype| dtype.is_float()).unwrap_or(DType::F32)
    };
    let dtype = floating(&candidate.call);
    MicroEntry {
        vocabulary: candidate.vocabulary.clone(),
        call: candidate.call.clone(),
        group: candidate.group,
        models: candidate.models.clone(),
        bytes_per_s: times.and_then(|times| times.bytes_per_s()),
        flops_per_s: times.and_then(|times| times.flops_per_s()),
        roofline: ceilings.and_then(|ceilings| times?.roofline(ceilings, dtype)),
        outcome,
        in_model: Vec::new(),
    }
}
