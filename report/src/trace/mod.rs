//! The reporter `trace`: runs as a trace that Perfetto and Chrome open (`ui.perfetto.dev`), in Chrome's JSON format.
//!
//! A run is a process. What is on its tracks is the *median run*: every operator with its time in it, in execution
//! order, inside the modules and composites that it is a part of. A record keeps no run's own timestamps, so the
//! timeline is made up in one respect, and says so in its name: operators follow each other without gaps, and
//! the time between them is one slice at the end. The track is as long as the median instrumented run.
//!
//! Counters: FLOPs and bytes per second of each operator, by its cost and its time; the peaks of memory; the mean
//! power of each energy sensor.

mod counters;
mod event;
mod timeline;

use std::io::{self, Write};

use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::{Profile, RunRecord};
use nongemm_core::register;
use serde_json::json;

use self::event::Events;
use self::timeline::Clock;
use crate::output;

/// Writes one JSON trace of all runs.
pub struct TraceReporter;

register!(dyn Reporter, &TraceReporter);

impl Reporter for TraceReporter {
    fn id(&self) -> &'static str {
        "trace"
    }

    fn summary(&self) -> &'static str {
        "the median run as a timeline for Perfetto and Chrome: modules, operators, counters (trace.json in a folder)"
    }

    fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()> {
        output::document(target, "trace.json", |out| write(runs, out))
    }
}

fn write(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let mut events = Events::begin(out)?;
    for (index, run) in runs.iter().enumerate() {
        let Some(profile) = &run.profile else {
            continue;
        };
        // Process 0 is the idle one.
        write_run(run, profile, index + 1, &mut events)?;
    }
    events.finish()
}

fn write_run(
    run: &RunRecord,
    profile: &Profile,
    pid: usize,
    events: &mut Events<'_>,
) -> io::Result<()> {
    let spec = &run.spec;
    let name = format!(
        "{} · {} · {} · {} · batch {} · median run of {}",
        spec.model, spec.backend, spec.device, spec.dtype, spec.batch, profile.n
    );
    events.name_process(
        pid,
        &name,
        &json!({ "run": run.id, "started": run.started }),
    )?;
    let host = "host: operators end to end, gaps at the end";
    timeline::write(profile, Clock::Host, pid, 1, host, events)?;
    if profile.device.is_some() {
        let device = "device: operators end to end, gaps at the end";
        timeline::write(profile, Clock::Device, pid, 2, device, events)?;
    }
    counters::write(run, profile, pid, events)
}
