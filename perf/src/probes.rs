//! What reading the probes costs: runs with all probes that are ready read before and after, as the
//! latency profiler reads them, against runs without.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use anyhow::Result;
use nongemm_core::measure::{Mode, Monotonic, Probes, Recorder};
use nongemm_core::plugin::Plugins;

use crate::interleave::interleave;
use crate::support::prepare;

const MODELS: &[&str] = &["gpt2", "resnet50", "mobilenet-v2"];

/// Prints one line for each model: latency with and without, readings included, and readings alone.
pub(crate) fn run() -> Result<()> {
    let plugins = Plugins::collect()?;
    let ready = plugins.probes.iter().map(|entry| entry.plugin);
    let ready: Vec<_> = ready.filter(|probe| probe.check().is_ready()).collect();
    let names: Vec<&str> = ready.iter().map(|probe| probe.id()).collect();
    println!("  probes: {}", names.join(", "));
    for model in MODELS {
        let session = RefCell::new(prepare(model, &plugins)?.session);
        let period = Duration::from_millis(100);
        let started = ready.iter().filter_map(|probe| probe.start(period).ok());
        let mut probes = Probes::new(started.collect());
        let clock = Monotonic::new();
        let infer = || {
            let mut recorder = Recorder::new(&clock, Mode::Off, 0);
            session.borrow_mut().run(&mut recorder)
        };
        let mut watched = || {
            let before = probes.read();
            infer()?;
            std::hint::black_box((before, probes.read()));
            Ok(())
        };
        let pairs = interleave(15, Duration::from_secs(30), &mut watched, &mut || infer())?;
        let (ratio, [low, high]) = pairs.ratio();
        const READINGS: u32 = 1_000;
        let since = Instant::now();
        (0..READINGS).for_each(|_| drop(std::hint::black_box(probes.read())));
        let reading = since.elapsed() / READINGS;
        println!(
            "  {model:12} with / without {ratio:.4} [{low:.4}, {high:.4}], {reading:.1?} for one reading of all, n = {}",
            pairs.a.len()
        );
    }
    Ok(())
}
