//! Records of processes that differ by noise, and what comparisons flag.

use nongemm_core::record::{RunRecord, groups};
use nongemm_core::rng::Uniform;
use nongemm_core::stats::{MedianRuns, Summary, median, median_ci95};
use nongemm_report::compare::{Comparison, Part, Verdict};

/// Noise of a process: how its times differ from those of others, and of its runs from each other.
pub(crate) struct Noise {
    stream: Uniform,
    process: f64,
    run: f64,
}

impl Noise {
    pub(crate) fn new(seed: u64, process: f64, run: f64) -> Self {
        Noise {
            stream: Uniform::new(seed, "noise"),
            process,
            run,
        }
    }

    /// A factor with about this relative deviation (the sum of four uniform values is nearly normal).
    fn factor(&mut self, deviation: f64) -> f64 {
        let sum: f64 = (0..4).map(|_| self.stream.next_f64()).sum();
        ((sum - 2.0) * 3f64.sqrt() * deviation).exp()
    }
}

/// The run as a process with this noise would record it. `slower` changes the time of operators.
pub(crate) fn measured(
    run: &RunRecord,
    noise: &mut Noise,
    slower: impl Fn(&str) -> f64,
) -> RunRecord {
    const RUNS: usize = 31;
    let mut run = run.clone();
    let profile = run.profile.as_mut().unwrap();
    let whole = noise.factor(noise.process);
    let mut walls = vec![0.0; RUNS];
    let mut times: Vec<Vec<f64>> = Vec::new();
    for op in &profile.ops {
        let own = op.host_ns.median * slower(&op.op) * whole * noise.factor(3.0 * noise.process);
        let runs: Vec<f64> = (0..RUNS)
            .map(|_| (own * noise.factor(noise.run)).round())
            .collect();
        walls.iter_mut().zip(&runs).for_each(|(sum, ns)| *sum += ns);
        times.push(runs);
    }
    profile.walls_ns = walls.iter().map(|wall| *wall as u64).collect();
    let middle = MedianRuns::of(&profile.walls_ns);
    for (op, times) in profile.ops.iter_mut().zip(&times) {
        op.host_ns = Summary::of(times, &middle);
    }
    profile.wall_median_ns = middle.mean(&walls);
    profile.unattributed_ns =
        profile.wall_median_ns - profile.ops.iter().map(|op| op.host_ns.median).sum::<f64>();
    run.groups = groups(profile);
    let samples: Vec<f64> = walls.iter().map(|w| w * noise.factor(noise.run)).collect();
    let latency = run.latency.as_mut().unwrap();
    latency.samples_ns = samples.iter().map(|ns| *ns as u64).collect();
    latency.median_ns = median(&samples).unwrap();
    latency.ci95_ns = median_ci95(&samples).unwrap();
    run
}

pub(crate) fn flagged(parts: &[Part]) -> Vec<&Part> {
    let is_flagged = |part: &&Part| {
        part.change
            .is_some_and(|change| matches!(change.verdict, Verdict::Faster | Verdict::Slower))
    };
    parts.iter().filter(is_flagged).collect()
}

/// Everything in a comparison that says faster or slower.
pub(crate) fn flags(comparison: &Comparison) -> Vec<String> {
    let mut found = Vec::new();
    for pair in &comparison.pairs {
        if pair
            .latency
            .is_some_and(|change| matches!(change.verdict, Verdict::Faster | Verdict::Slower))
        {
            found.push(format!("latency of {}", pair.new.id));
        }
        for profile in pair.profile.iter() {
            for parts in [&profile.groups, &profile.kinds, &profile.operators] {
                let parts = flagged(parts).into_iter();
                found.extend(parts.map(|part| format!("{} {:?}", part.name, part.change)));
            }
        }
    }
    found
}

pub(crate) fn assert_adds_up(comparison: &Comparison) {
    for pair in &comparison.pairs {
        let profile = pair.profile.as_ref().unwrap();
        let sum = |parts: &[Part]| parts.iter().map(|part| part.difference_ns).sum::<f64>();
        let rest: Vec<Part> = profile
            .groups
            .iter()
            .filter(|part| part.name == "unattributed")
            .cloned()
            .collect();
        let close = |sum: f64| (sum - profile.difference_ns).abs() < 1e-9 * profile.base_ns;
        assert!(close(sum(&profile.groups)), "groups");
        assert!(close(sum(&profile.kinds) + sum(&rest)), "kinds");
        assert!(close(sum(&profile.operators) + sum(&rest)), "operators");
    }
}
