//! One run of BASE against the same run of NEW.

use nongemm_core::record::{Profile, RunRecord, RunSpec, Status};
use serde::Serialize;

use super::differences::{self, Difference};
use super::estimate::{self, Estimate};
use super::judge::{Change, Contrast, Verdict};
use super::profile::{self, ProfileChange};
use crate::format::{percent, plural};

/// Part of the samples that may be disturbed before a note says so.
const DISTURBED: f64 = 0.2;

/// The records of one run on one side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// Id of the run.
    pub id: String,
    /// How many records there are.
    pub records: usize,
    /// How many of them failed.
    pub failed: usize,
    /// Why the first of those did.
    pub error: Option<String>,
    /// The latency: the geometric mean of the records' medians. Null if all failed.
    pub latency_ns: Option<f64>,
}

/// A run that both sides have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// What was run in NEW.
    pub spec: RunSpec,
    /// The side of BASE.
    pub base: Side,
    /// The side of NEW.
    pub new: Side,
    /// What else differs.
    pub differences: Vec<Difference>,
    /// What to bear in mind.
    pub notes: Vec<String>,
    /// How the latency changed; null if a side has none.
    pub latency: Option<Change>,
    /// How the time of operators changed; null if a side has none.
    pub profile: Option<ProfileChange>,
}

impl Pair {
    /// Whether NEW is slower than the threshold allows, or fails where BASE did not.
    pub fn has_regressed(&self) -> bool {
        self.is_broken()
            || self
                .latency
                .is_some_and(|change| change.verdict == Verdict::Slower)
    }

    /// Whether NEW has a failure where BASE has none.
    pub fn is_broken(&self) -> bool {
        self.new.failed > 0 && self.base.failed == 0
    }
}

/// Compares the records of one run. Verdicts on the latency are given where all runs are known.
pub(super) fn compare(base: &[&RunRecord], new: &[&RunRecord], threshold: f64) -> Pair {
    let (old, now) = (latencies(base), latencies(new));
    let latency = Contrast::of(&old, &now)
        .map(|contrast| Change::of(contrast.difference, contrast.variance(), threshold));
    let profiles = [base, new].map(profiles);
    let profile = profiles.iter().all(|side| !side.is_empty());
    let profile = profile.then(|| profile::compare(&profiles[0], &profiles[1], threshold));
    Pair {
        spec: new[0].spec.clone(),
        base: side(base, &old),
        new: side(new, &now),
        differences: differences::between(base, new),
        notes: notes(base, new, &old, &now),
        latency,
        profile,
    }
}

fn latencies(runs: &[&RunRecord]) -> Vec<Estimate> {
    let latencies = succeeded(runs).filter_map(|run| run.latency.as_ref());
    latencies.map(estimate::latency).collect()
}

fn succeeded<'a>(runs: &[&'a RunRecord]) -> impl Iterator<Item = &'a RunRecord> {
    runs.iter().copied().filter(|run| run.status == Status::Ok)
}

fn profiles<'a>(runs: &[&'a RunRecord]) -> Vec<&'a Profile> {
    succeeded(runs)
        .filter_map(|run| run.profile.as_ref())
        .collect()
}

fn side(runs: &[&RunRecord], latencies: &[Estimate]) -> Side {
    let failures: Vec<&&RunRecord> = runs
        .iter()
        .filter(|run| run.status == Status::Failed)
        .collect();
    let logs: f64 = latencies.iter().map(|estimate| estimate.value.ln()).sum();
    let mean = (logs / latencies.len() as f64).exp();
    Side {
        id: runs[0].id.clone(),
        records: runs.len(),
        failed: failures.len(),
        error: failures.first().and_then(|run| run.error.clone()),
        latency_ns: (!latencies.is_empty()).then_some(mean),
    }
}

/// What a reader should know before the numbers.
fn notes(
    base: &[&RunRecord],
    new: &[&RunRecord],
    old: &[Estimate],
    now: &[Estimate],
) -> Vec<String> {
    let mut notes = Vec::new();
    if old.len() == 1 && now.len() == 1 {
        notes.push(
            "one record a side: how much runs differ from one process to the next is not known; \
             repeat the runs to know"
                .to_owned(),
        );
    }
    for (name, runs) in [("BASE", base), ("NEW", new)] {
        let few = succeeded(runs).filter_map(|run| run.latency.as_ref());
        let fewest = few.map(|latency| latency.n).min();
        if let Some(n) = fewest.filter(|n| *n < 6) {
            notes.push(format!(
                "{name} has {}, too few for an interval",
                plural(n, "sample")
            ));
        }
        let disturbed = succeeded(runs).filter_map(|run| run.noise.as_ref());
        let most = disturbed
            .map(|noise| noise.disturbed_share)
            .fold(0.0, f64::max);
        if most > DISTURBED {
            let share = percent(most);
            notes.push(format!("{share} of the samples of {name} were disturbed"));
        }
        let load = succeeded(runs).filter_map(|run| {
            let load = run.noise.as_ref()?.load_average?;
            (load > run.spec.threads as f64 + 1.0).then_some(load)
        });
        let load = load.fold(0.0, f64::max);
        if load > 0.0 {
            notes.push(format!(
                "the machine had other work during {name} (load average {load:.1})"
            ));
        }
        if profiles(runs).iter().any(|profile| profile.unreliable) {
            notes.push(format!(
                "instrumenting slowed {name} down so much that its operators are not to be trusted"
            ));
        }
    }
    let clocks = [base, new].map(|runs| {
        let profiles = profiles(runs);
        profiles.iter().any(|profile| profile.device.is_some())
    });
    if clocks[0] != clocks[1] {
        notes.push(
            "times of operators are by the device on one side, by the host on the other".to_owned(),
        );
    }
    notes
}
