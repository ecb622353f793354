//! `nongemm bench`: plan, check everything, run each point in its own process, report.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use nongemm_core::manifest::{Manifest, MeasureTable, RunTable};
use nongemm_core::plan::{Overrides, Plan, check_any, plan};
use nongemm_core::plugin::{Plugins, ReportTarget};
use nongemm_core::record::{RunRecord, RunSpec, store};

use crate::args::BenchArgs;
use crate::error::CliError;
use crate::signals::Signals;
use crate::suite::{Ended, Outcome, Suite};
use crate::terminal;

/// The experiment that runs when no manifest is given; also the documentation of the format.
pub(crate) const DEFAULT: &str = include_str!("../default.toml");

/// Runs the command.
pub(crate) fn run(args: &BenchArgs, plugins: &Plugins) -> Result<ExitCode, CliError> {
    let mut plan = planned(args.manifest.as_deref(), &overrides(args)?, plugins)?;
    let elsewhere = take_part(&mut plan, args);
    for spec in &plan.runs {
        check_any(spec, plugins)
            .map_err(|e| CliError::usage(format!("{} on {}: {e}", spec.model, spec.backend)))?;
    }
    store::ensure_writable(&args.out).map_err(CliError::usage)?;

    let signals = Signals::watch()?;
    let outcome = Suite {
        plan: &plan,
        args,
        plugins,
        signals: &signals,
        elsewhere: &elsewhere,
    }
    .run()?;
    report(&outcome.records, args, plugins)?;
    conclude(&outcome, &plan, &signals)
}

/// The plan of a manifest, or of the default one.
pub(crate) fn planned(
    manifest: Option<&Path>,
    overrides: &Overrides,
    plugins: &Plugins,
) -> Result<Plan, CliError> {
    let defaults = Manifest::parse("default.toml", DEFAULT).map_err(CliError::usage)?;
    let manifest = match manifest {
        Some(file) => Manifest::read(file).map_err(CliError::usage)?,
        None => defaults.clone(),
    };
    plan(&manifest, &defaults, overrides, plugins).map_err(CliError::usage)
}

/// The runs of the asked-for part of a plan; returns those of the other parts.
fn take_part(plan: &mut Plan, args: &BenchArgs) -> Vec<RunSpec> {
    let Some(partition) = args.partition else {
        return Vec::new();
    };
    let (own, elsewhere) = partition.split(&plan.runs);
    if own.is_empty() {
        eprintln!(
            "nongemm: part {partition} of {} runs holds none",
            elsewhere.len()
        );
    }
    plan.runs = own;
    elsewhere
}

/// Closing lines and exit code.
fn conclude(outcome: &Outcome, plan: &Plan, signals: &Signals) -> Result<ExitCode, CliError> {
    for line in outcome.closing() {
        eprintln!("nongemm: {line}");
    }
    match &outcome.ended {
        Some(Ended::Unwritable(message)) => return Err(CliError::Failed(message.clone())),
        Some(Ended::Interrupted(left)) => eprintln!(
            "nongemm: interrupted; {left} of {} runs were not started (--resume goes on)",
            plan.runs.len()
        ),
        None => {}
    }
    Ok(match (signals.received(), outcome.failures()) {
        (Some(signal), _) => ExitCode::from(128 + signal),
        (None, 0) => ExitCode::SUCCESS,
        (None, _) => ExitCode::FAILURE,
    })
}

fn report(records: &[RunRecord], args: &BenchArgs, plugins: &Plugins) -> Result<(), CliError> {
    let id = if args.json { "json" } else { "terminal" };
    let reporter = plugins.reporters.find(id).map_err(CliError::usage)?;
    let mut stdout = std::io::stdout().lock();
    let mut target = ReportTarget::Stream(&mut stdout, terminal::stdout());
    let reported = reporter.guard(|reporter| reporter.report(records, &mut target));
    match reported.map_err(CliError::failed)? {
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
            dtype: args.sizes.dtype.clone(),
            batch: args.sizes.batch.clone(),
            seq: args.sizes.seq.clone(),
            image: args.sizes.image.clone(),
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
            run_timeout: args.run_timeout.clone(),
            energy: args.no_energy.then_some(false),
            wait_quiet: args.wait_quiet.clone(),
        },
    })
}
