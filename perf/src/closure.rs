//! Unattributed time and perturbation of the models of the default experiment.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Result, bail};
use nongemm_core::measure::Limits;
use nongemm_core::plugin::Plugins;
use nongemm_core::run::{Job, execute};

use crate::support::spec;

const MODELS: &[&str] = &["gpt2", "bert", "vit-b16", "resnet50"];

/// Prints one line for each model.
pub(crate) fn run() -> Result<()> {
    let plugins = Plugins::collect()?;
    let limits = Limits {
        max_time: Duration::from_secs(60),
        min_samples: 15,
        // Never reached: all of the time goes into the interval of the perturbation.
        target_ci: 0.0,
        ..Limits::default()
    };
    for model in MODELS {
        let job = Job::new(spec(model, &plugins)?, &limits, &Default::default());
        let record = execute(&job, &plugins, &AtomicBool::new(false), &mut |_| {});
        let (Some(profile), Some(latency)) = (&record.profile, &record.latency) else {
            bail!("{model}: {}", record.error.unwrap_or_default());
        };
        let wall = profile.wall_median_ns;
        let sum: f64 = profile.ops.iter().map(|op| op.host_ns.median).sum();
        let closed = (sum + profile.unattributed_ns - wall).abs() <= 1e-9 * wall;
        println!(
            "  {model:10} {:8.2} ms: unattributed {:4.2}%, \
             perturbation {:5.2}% [{:.2}, {:.2}], closure {}, n = {}",
            latency.median_ns / 1e6,
            100.0 * profile.unattributed_ns / wall,
            100.0 * profile.perturbation,
            100.0 * profile.perturbation_ci95[0],
            100.0 * profile.perturbation_ci95[1],
            if closed { "exact" } else { "BROKEN" },
            latency.n,
        );
    }
    Ok(())
}
