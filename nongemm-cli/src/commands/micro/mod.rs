//! `nongemm micro`: operators alone, one after the other, in a worker for each backend.

mod entries;
mod run;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use nongemm_core::manifest::MeasureTable;
use nongemm_core::measure::Limits;
use nongemm_core::plugin::{Availability, Plugins};
use nongemm_core::record::{MicroRecord, MicroSpec, Outcome, RunRecord, store};
use nongemm_report::micro_table;

use self::entries::Candidate;
use crate::args::MicroArgs;
use crate::error::CliError;
use crate::signals::Signals;
use crate::terminal;

/// Limits of one series without flags.
const USUAL: Limits = Limits {
    target_ci: 0.02,
    max_time: Duration::from_secs(1),
    min_samples: 9,
    max_samples: 1_000,
    max_warmup: Duration::from_secs(1),
};

/// Limits of one series with `--quick`.
const QUICK: Limits = Limits {
    target_ci: 0.05,
    max_time: Duration::from_millis(80),
    min_samples: 6,
    ..USUAL
};

/// Runs the command.
pub(crate) fn run(args: &MicroArgs, plugins: &Plugins) -> Result<ExitCode, CliError> {
    let limits = limits(args)?;
    let runs = match &args.from {
        Some(folder) => store::read_all(folder).map_err(CliError::usage)?,
        None => Vec::new(),
    };
    let candidates = entries::candidates(args, &runs, plugins)?;
    let specs = specs(args, &limits, plugins)?;
    store::ensure_writable(&args.out).map_err(CliError::usage)?;
    let signals = Signals::watch()?;
    let mut records = Vec::new();
    for spec in specs {
        let record = measure(spec, &candidates, &runs, args, plugins, &signals)?;
        records.push(record);
        if signals.received().is_some() {
            break;
        }
    }
    show(&records, args)?;
    let entries = || records.iter().flat_map(|record| &record.entries);
    let failed = entries().any(|entry| matches!(entry.outcome, Outcome::Failed { .. }));
    let measured = entries().any(|entry| entry.outcome.times().is_some());
    Ok(match signals.received() {
        Some(signal) => ExitCode::from(128 + signal),
        None => ExitCode::from(u8::from(failed || !measured)),
    })
}

fn limits(args: &MicroArgs) -> Result<Limits, CliError> {
    let table = MeasureTable {
        target_ci: args.target_ci,
        max_time: args.max_time.clone(),
        min_samples: args.min_samples,
        ..MeasureTable::default()
    };
    let base = if args.quick { QUICK } else { USUAL };
    table.limits(base).map_err(CliError::usage)
}

/// One record for each backend and device.
fn specs(args: &MicroArgs, limits: &Limits, plugins: &Plugins) -> Result<Vec<MicroSpec>, CliError> {
    let threads = super::threads(args.threads)?;
    let settings = super::bench::settings(&args.set)?;
    let mut specs = Vec::new();
    for id in &args.backend {
        let backend = super::ready_backend(id, plugins)?;
        for &device in &args.device {
            let dtype = args.dtype.unwrap_or(nongemm_core::dtype::DType::F32);
            if let Availability::Missing { reason, remedy } = backend.check_device(device, dtype) {
                let message = format!("{id} on {device}: {reason}; {remedy}");
                return Err(CliError::usage(message));
            }
            specs.push(MicroSpec {
                backend: id.clone(),
                device,
                dtype: args.dtype,
                threads,
                settings: settings.clone(),
                target_ci: limits.target_ci,
                max_time_ns: limits.max_time.as_nanos() as u64,
                min_samples: limits.min_samples,
                energy: args.energy,
            });
        }
    }
    Ok(specs)
}

fn measure(
    spec: MicroSpec,
    candidates: &[Candidate],
    runs: &[RunRecord],
    args: &MicroArgs,
    plugins: &Plugins,
    signals: &Signals,
) -> Result<MicroRecord, CliError> {
    let run = run::Run {
        spec,
        out: Path::new(&args.out),
        resume: args.resume,
        plugins,
        interrupted: &signals.interrupted,
    };
    run.measure(candidates, runs)
}

fn show(records: &[MicroRecord], args: &MicroArgs) -> Result<(), CliError> {
    if args.json {
        let text = serde_json::to_string_pretty(records).map_err(CliError::failed)?;
        return terminal::print(&format!("{text}\n"));
    }
    let tables: Vec<String> = records
        .iter()
        .map(|record| micro_table(record, terminal::stdout()))
        .collect();
    terminal::print(&tables.join("\n"))?;
    terminal::print(&format!("\nresults: {}\n", args.out.display()))
}
