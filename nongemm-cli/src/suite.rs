//! The runs of a suite, one after the other, each in a process of its own; what survives them is on the
//! disk after each.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use nongemm_core::described::Described;
use nongemm_core::plan::{Plan, run_id};
use nongemm_core::plugin::Plugins;
use nongemm_core::record::{Locked, RunLock, RunRecord, RunSpec, Status, finished, store};
use nongemm_core::run::{Job, References, failed};

use crate::args::BenchArgs;
use crate::ceilings;
use crate::error::CliError;
use crate::progress::Progress;
use crate::signals::Signals;
use crate::supervisor::{self, Supervision};

/// Why a suite ended before its last run.
pub(crate) enum Ended {
    /// The user asked for it; that many runs were not started.
    Interrupted(usize),
    /// A record cannot be written.
    Unwritable(String),
}

/// What became of a suite.
#[derive(Default)]
pub(crate) struct Outcome {
    /// The records, in the order of the plan.
    pub(crate) records: Vec<RunRecord>,
    /// How many of them were there before.
    pub(crate) resumed: usize,
    /// Why it ended early, if it did.
    pub(crate) ended: Option<Ended>,
}

/// A suite that is ready to run.
pub(crate) struct Suite<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) args: &'a BenchArgs,
    pub(crate) plugins: &'a Plugins,
    pub(crate) signals: &'a Signals,
    /// Runs of the same plan that other calls carry out.
    pub(crate) elsewhere: &'a [RunSpec],
}

impl Suite<'_> {
    /// Carries it out.
    ///
    /// # Errors
    /// When the results folder cannot be written before a run.
    pub(crate) fn run(&self) -> Result<Outcome, CliError> {
        let runs = &self.plan.runs;
        let mut done: Vec<Option<RunRecord>> = runs.iter().map(|spec| self.resumed(spec)).collect();
        let mut references = self.references(&done);
        let mut outcome = Outcome::default();
        for (index, spec) in runs.iter().enumerate() {
            if self.signals.is_interrupted() {
                outcome.ended = Some(Ended::Interrupted(runs.len() - index));
                break;
            }
            let before = match done[index].take() {
                Some(record) => Turn::Done(Box::new(record)),
                None => self.wait_for_turn(spec)?,
            };
            let lock = match before {
                Turn::Done(record) => {
                    let text = format!("done before, {}", summary(&record));
                    self.progress(index).finish(&text);
                    outcome.resumed += 1;
                    outcome.records.push(*record);
                    continue;
                }
                Turn::Interrupted => continue,
                Turn::Ours(lock) => lock,
            };
            let mut record = self.measure(index, spec, &references);
            ceilings::attach(&mut record, self.plugins);
            references.explain(&mut record);
            references.finished(&record);
            let written = store::write(&self.args.out, &record);
            drop(lock);
            let rescued = written.map_err(|error| rescue(&record, &error));
            outcome.records.push(record);
            if let Err(message) = rescued {
                // What was measured is on the disk or on the screen; measuring on would help nobody.
                outcome.ended = Some(Ended::Unwritable(message));
                break;
            }
        }
        Ok(outcome)
    }

    fn references(&self, done: &[Option<RunRecord>]) -> References {
        let runs = || self.plan.runs.iter().zip(done);
        let now = runs().filter(|(_, done)| done.is_none());
        let before = runs().filter(|(_, done)| done.is_some());
        References::new(
            now.map(|(spec, _)| spec),
            before.map(|(spec, _)| spec).chain(self.elsewhere),
            self.args.out.join(format!(".outputs-{}", store::unique())),
        )
    }

    /// The record that makes a run unnecessary, if that is asked for.
    fn resumed(&self, spec: &RunSpec) -> Option<RunRecord> {
        if self.args.resume {
            self.finished(spec).ok()
        } else {
            None
        }
    }

    fn finished(&self, spec: &RunSpec) -> Result<RunRecord, String> {
        let backend = self.plugins.backends.get(&spec.backend);
        let backend = backend.map_err(|error| error.to_string())?;
        let libraries = backend.versions().into_iter().collect();
        let target_ci = self.plan.limits.target_ci;
        let files = described(spec, self.plugins).map(Described::files);
        finished(
            &self.args.out,
            &run_id(spec),
            spec,
            &files.unwrap_or_default(),
            &libraries,
            target_ci,
        )
    }

    /// Waits until no other process carries out the same run into the same folder. What that one leaves
    /// is a result, if it is complete.
    fn wait_for_turn(&self, spec: &RunSpec) -> Result<Turn, CliError> {
        const PAUSE: Duration = Duration::from_millis(200);
        let id = run_id(spec);
        let mut waited = false;
        loop {
            match RunLock::attempt(&self.args.out, &id).map_err(CliError::failed)? {
                Locked::Ours(lock) => {
                    return Ok(match self.finished(spec) {
                        Ok(record) if waited => Turn::Done(Box::new(record)),
                        _ => Turn::Ours(lock),
                    });
                }
                Locked::Others(who) => {
                    if !waited {
                        eprintln!("nongemm: {id} is being run by {who}; waiting for its result");
                    }
                    waited = true;
                    if self.signals.is_interrupted() {
                        return Ok(Turn::Interrupted);
                    }
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    fn measure(&self, index: usize, spec: &RunSpec, references: &References) -> RunRecord {
        let backend = match self.plugins.backends.get(&spec.backend) {
            Ok(backend) => backend,
            Err(error) => return failed(spec, error.to_string()),
        };
        let mut job = Job::new(spec.clone(), &self.plan.limits, &self.plan.classify);
        job.energy = self.plan.energy;
        job.wait_quiet_ns = self.plan.wait_quiet.map(|limit| limit.as_nanos() as u64);
        job.described = described(spec, self.plugins).map(|described| described.by.clone());
        job.outputs = references.task(spec, &run_id(spec));
        let progress = self.progress(index);
        let supervision = Supervision {
            interrupted: self.signals.flag(),
            timeout: self.plan.run_timeout,
        };
        let environment = backend.environment(spec.threads);
        let record = supervisor::run(&job, &environment, &supervision, &mut |event| {
            progress.event(event);
        });
        progress.finish(&summary(&record));
        record
    }

    fn progress(&self, index: usize) -> Progress {
        let runs = &self.plan.runs;
        let target_ci = self.plan.limits.target_ci;
        Progress::start(index + 1, runs.len(), &run_id(&runs[index]), target_ci)
    }
}

/// What the file says that describes the model of a run.
fn described(spec: &RunSpec, plugins: &Plugins) -> Option<&'static Described> {
    let model = plugins.models.get(&spec.model).ok()?;
    model.described()
}

/// What is to be done about a run.
enum Turn {
    /// Run it, while this is held.
    Ours(RunLock),
    /// Nothing: here is its record.
    Done(Box<RunRecord>),
    /// Nothing: the user wants to stop.
    Interrupted,
}

/// Puts a record that has no place in the results folder into the one for temporary files.
fn rescue(record: &RunRecord, error: &store::StoreError) -> String {
    let folder: PathBuf = std::env::temp_dir().join(format!("nongemm-{}", store::unique()));
    match store::write(&folder, record) {
        Ok(_) => format!(
            "{error}; the record is in {} instead: make room, move it there and go on with --resume",
            folder.display()
        ),
        Err(_) => {
            let _ = std::fs::remove_dir_all(&folder);
            format!("{error}; what was measured is above only: make room and go on with --resume")
        }
    }
}

fn summary(record: &RunRecord) -> String {
    match (&record.latency, &record.error) {
        (Some(latency), None) => {
            format!("{:.3} ms, {} samples", latency.median_ns / 1e6, latency.n)
        }
        (_, error) => format!("failed: {}", error.as_deref().unwrap_or("no result")),
    }
}

impl Outcome {
    /// How many runs failed.
    pub(crate) fn failures(&self) -> usize {
        self.failed().count()
    }

    fn failed(&self) -> impl Iterator<Item = &RunRecord> {
        let records = self.records.iter();
        records.filter(|record| record.status == Status::Failed)
    }

    /// Says what came of the runs, and lists those that failed and why. Nothing where there is nothing
    /// to say.
    pub(crate) fn closing(&self) -> Vec<String> {
        let failures = self.failures();
        let mut parts = vec![format!(
            "{} done",
            self.records.len() - failures - self.resumed
        )];
        if self.resumed > 0 {
            parts.push(format!("{} done before", self.resumed));
        }
        if failures > 0 {
            parts.push(format!("{failures} failed"));
        }
        if parts.len() == 1 {
            return Vec::new();
        }
        let mut lines = vec![format!("runs: {}", parts.join(", "))];
        lines.extend(self.failed().map(|record| {
            let error = record.error.as_deref().unwrap_or("no result");
            let line: Vec<&str> = error.lines().map(str::trim).collect();
            format!("  {}: {}", record.id, line.join(" "))
        }));
        lines
    }
}

#[cfg(test)]
mod tests {
    use nongemm_core::plugin::Device;

    use super::*;

    fn record(model: &str, error: Option<&str>) -> RunRecord {
        let spec = RunSpec {
            model: model.to_owned(),
            backend: "b".to_owned(),
            device: Device::Cpu,
            dtype: nongemm_core::dtype::DType::F32,
            batch: 1,
            seq: None,
            image: None,
            weights: "w".to_owned(),
            dataset: "d".to_owned(),
            threads: 1,
            inputs: 1,
            settings: std::collections::BTreeMap::new(),
        };
        let mut record = failed(&spec, error.unwrap_or_default().to_owned());
        record.id = model.to_owned();
        if error.is_none() {
            record.status = Status::Ok;
            record.error = None;
        }
        record
    }

    #[test]
    fn the_closing_lines_name_what_failed_and_why() {
        let mut outcome = Outcome {
            records: vec![record("a", None), record("b", None)],
            ..Outcome::default()
        };
        assert!(outcome.closing().is_empty());
        outcome.resumed = 1;
        assert_eq!(outcome.closing(), ["runs: 1 done, 1 done before"]);
        outcome.records.push(record("c", Some("no\n  memory")));
        assert_eq!(
            outcome.closing(),
            ["runs: 1 done, 1 done before, 1 failed", "  c: no memory"]
        );
    }
}
