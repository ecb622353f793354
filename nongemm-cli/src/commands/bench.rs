//! `nongemm bench`: plan, check everything, run each point in its own process, report.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use nongemm_core::manifest::{Manifest, MeasureTable, RunTable};
use nongemm_core::plan::{Overrides, Plan, check_any, plan, run_id};
use nongemm_core::plugin::{Plugins, ReportTarget};
use nongemm_core::record::{RunRecord, Status, store};
use nongemm_core::run::{Job, References, failed};

use crate::args::BenchArgs;
use crate::error::CliError;
use crate::progress::Progress;
use crate::signals::Signals;
use crate::{ceilings, supervisor, terminal};

/// The experiment that runs when no manifest is given; also the documentation of the format.
pub(crate) const DEFAULT: &str = include_str!("../default.toml");

/// Runs the command.
pub(crate) fn run(args: &BenchArgs, plugins: &Plugins) -> Result<ExitCode, CliError> {
    let defaults = Manifest::parse("default.toml", DEFAULT).map_err(CliError::usage)?;
    let manifest = match &args.manifest {
        Some(file) => Manifest::read(file).map_err(CliError::usage)?,
        None => defaults.clone(),
    };
    let overrides = overrides(args)?;
    let plan = plan(&manifest, &defaults, &overrides, plugins).map_err(CliError::usage)?;
    for spec in &plan.runs {
        check_any(spec, plugins)
            .map_err(|e| CliError::usage(format!("{} on {}: {e}", spec.model, spec.backend)))?;
    }
    store::ensure_writable(&args.out).map_err(CliError::usage)?;

    let signals = Signals::watch()?;
    let records = run_all(&plan, args, plugins, &signals)?;
    report(&records, args, plugins)?;
    let failures = records.iter().filter(|r| r.status == Status::Failed);
    Ok(match (signals.received(), failures.count()) {
        (Some(signal), _) => ExitCode::from(128 + signal),
        (None, 0) => ExitCode::SUCCESS,
        (None, _) => ExitCode::FAILURE,
    })
}

fn run_all(
    plan: &Plan,
    args: &BenchArgs,
    plugins: &Plugins,
    signals: &Signals,
) -> Result<Vec<RunRecord>, CliError> {
    let folder = args.out.join(format!(".outputs-{}", std::process::id()));
    let mut references = References::new(&plan.runs, folder);
    let mut records = Vec::with_capacity(plan.runs.len());
    for (index, spec) in plan.runs.iter().enumerate() {
        if signals.interrupted.load(Ordering::Relaxed) {
            eprintln!(
                "nongemm: interrupted; {} of {} runs were not started",
                plan.runs.len() - index,
                plan.runs.len()
            );
            break;
        }
        let mut job = Job::new(spec.clone(), &plan.limits, &plan.classify);
        job.outputs = references.task(spec, &run_id(spec));
        let mut record = run_one(plan, &job, index, plugins, signals);
        ceilings::attach(&mut record, plugins);
        references.finished(&record);
        let written = store::write(&args.out, &record);
        records.push(record);
        if let Err(error) = written {
            // What was measured is on the disk or on the screen; measuring on would help nobody.
            report(&records, args, plugins)?;
            return Err(CliError::failed(error));
        }
    }
    Ok(records)
}

fn run_one(
    plan: &Plan,
    job: &Job,
    index: usize,
    plugins: &Plugins,
    signals: &Signals,
) -> RunRecord {
    let spec = &job.spec;
    let backend = match plugins.backends.get(&spec.backend) {
        Ok(backend) => backend,
        Err(error) => return failed(spec, error.to_string()),
    };
    let environment = backend.environment(spec.threads);
    let progress = Progress::start(
        index + 1,
        plan.runs.len(),
        &run_id(spec),
        plan.limits.target_ci,
    );
    let record = supervisor::run(job, &environment, &signals.interrupted, &mut |event| {
        progress.event(event);
    });
    progress.finish(&summary(&record));
    record
}

fn summary(record: &RunRecord) -> String {
    match (&record.latency, &record.error) {
        (Some(latency), None) => {
            format!("{:.3} ms, {} samples", latency.median_ns / 1e6, latency.n)
        }
        (_, error) => format!("failed: {}", error.as_deref().unwrap_or("no result")),
    }
}

fn report(records: &[RunRecord], args: &BenchArgs, plugins: &Plugins) -> Result<(), CliError> {
    let id = if args.json { "json" } else { "terminal" };
    let reporter = plugins.reporters.get(id).map_err(CliError::usage)?;
    let mut stdout = std::io::stdout().lock();
    let mut target = ReportTarget::Stream(&mut stdout, terminal::stdout());
    match reporter.report(records, &mut target) {
        Ok(()) => {}
        Err(error) if is_broken_pipe(&error) => return Ok(()),
        Err(error) => return Err(CliError::failed(error)),
    }
    if !args.json && !records.is_empty() {
        let _ = writeln!(stdout, "\nresults: {}", args.out.display());
    }
    Ok(())
}

/// Whether the reader of standard output went away (`nongemm ... | head`), which is no failure.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// The pairs given with `--set`.
pub(crate) fn settings(pairs: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    let split = |pair: &String| {
        let parts = pair.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, value) =
            parts.ok_or_else(|| CliError::usage(format!("--set takes KEY=VALUE, got `{pair}`")))?;
        Ok((key.to_owned(), value.to_owned()))
    };
    pairs.iter().map(split).collect()
}

fn overrides(args: &BenchArgs) -> Result<Overrides, CliError> {
    let set = settings(&args.set)?.into_iter();
    let set = set.map(|(key, value)| (key, toml::Value::String(value)));
    Ok(Overrides {
        run: RunTable {
            model: args.model.clone(),
            backend: args.backend.clone(),
            device: args.device.clone(),
            dtype: args.dtype.clone(),
            batch: args.batch.clone(),
            seq: args.seq.clone(),
            image: args.image.clone(),
            weights: args.weights.clone(),
            dataset: args.dataset.clone(),
            inputs: args.inputs,
            threads: args.threads,
            set: set.collect(),
        },
        measure: MeasureTable {
            target_ci: args.target_ci,
            max_time: args.max_time.clone(),
            min_samples: args.min_samples,
            max_samples: None,
            max_warmup: None,
        },
    })
}
