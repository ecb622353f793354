//! Counters beside the slices.

use std::io;

use nongemm_core::record::{Energy, Profile, RunRecord};

use super::event::Events;
use super::timeline::{Clock, spans};

/// Writes the counters of a run.
pub(super) fn write(
    run: &RunRecord,
    profile: &Profile,
    pid: usize,
    events: &mut Events<'_>,
) -> io::Result<()> {
    let clock = match &profile.device {
        Some(_) => Clock::Device,
        None => Clock::Host,
    };
    let spans = spans(profile, clock);
    rates(profile, &spans, pid, events)?;
    let end = spans.last().map_or(0, |span| span.1);
    for (name, value) in levels(run) {
        events.counter(pid, &name, 0, value)?;
        events.counter(pid, &name, end, value)?;
    }
    Ok(())
}

/// What each operator does in a second. Operators without cost or time do nothing.
fn rates(
    profile: &Profile,
    spans: &[(u64, u64)],
    pid: usize,
    events: &mut Events<'_>,
) -> io::Result<()> {
    let mut before = [None; 2];
    for (op, (start, end)) in profile.ops.iter().zip(spans) {
        let ns = end - start;
        if ns == 0 {
            continue;
        }
        let rate = |count: Option<u64>| count.unwrap_or(0) as f64 / ns as f64;
        let counters = [("GFLOP/s", rate(op.flops)), ("GB/s", rate(op.bytes))];
        for ((name, value), before) in counters.into_iter().zip(&mut before) {
            if *before != Some(value) {
                events.counter(pid, name, *start, value)?;
                *before = Some(value);
            }
        }
    }
    let end = spans.last().map_or(0, |span| span.1);
    for (name, before) in ["GFLOP/s", "GB/s"].into_iter().zip(before) {
        if before.is_some() {
            events.counter(pid, name, end, 0.0)?;
        }
    }
    Ok(())
}

/// What a record has one value of for the whole run.
fn levels(run: &RunRecord) -> Vec<(String, f64)> {
    let mut levels = Vec::new();
    if let Some(memory) = &run.memory {
        let mut add = |name: &str, bytes: Option<u64>| {
            levels.extend(bytes.map(|bytes| (format!("memory: {name} (bytes)"), bytes as f64)));
        };
        add("peak resident set", memory.peak_rss_bytes);
        add("peak on the device", memory.peak_device_bytes);
        add("weights", Some(memory.weights_bytes));
        add("activations at the peak", Some(memory.activation_bytes));
    }
    if let Some(Energy::Measured(rows)) = &run.energy {
        for row in rows {
            let seconds = row.window_ns.iter().sum::<u64>() as f64 / 1e9;
            let watts = row.gross_j_per_inference * row.inferences as f64 / seconds;
            let sensor = match row.sensor.as_str() {
                "" => row.probe.clone(),
                sensor => format!("{} {sensor}", row.probe),
            };
            // Records of earlier releases do not say how long the windows were.
            if watts.is_finite() {
                levels.push((format!("power: {sensor}, mean (W)"), watts));
            }
            levels.push((format!("power: {sensor}, idle (W)"), row.idle_w));
        }
    }
    levels
}
