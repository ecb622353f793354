//! Amdahl's law: how long a run would take if some of its operators took less time.
//!
//! The projected latency is the measured one times `sum(share / speedup)` over groups (Amdahl, AFIPS 1967); the
//! limit is what remains if the sped-up operators took no time. Time between operators stays as it is. The
//! interval combines that of the latency with that of the shares, which come from other runs: they are
//! independent. The shares' comes from the times of the groups in each instrumented run, so that groups that vary
//! together count as such.

pub mod show;
mod speedup;

use std::collections::{BTreeMap, BTreeSet};

use nongemm_core::record::{
    Latency, OpRow, Profile, RunRecord, RunSpec, Status, Timeline, UNATTRIBUTED,
};
use nongemm_core::stats::{self, MedianRuns};
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

pub use speedup::{Speedup, SpeedupError, Speedups, Target};

/// A time with its 95% interval, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Projected {
    /// The time.
    pub ns: f64,
    /// Its interval; the range of the samples where there are fewer than six.
    pub ci95_ns: [f64; 2],
    /// How many times faster that is than what was measured; null for no time at all.
    pub speedup: Option<f64>,
}

/// A group before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProjectedGroup {
    /// Its name; `unattributed` among them.
    pub name: String,
    /// Its measured share.
    pub share: f64,
    /// Its share of the projected time.
    pub projected_share: f64,
    /// Its projected time.
    pub projected_ns: f64,
}

/// What would become of one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Projection {
    /// Id of the run.
    pub id: String,
    /// What was run.
    pub spec: RunSpec,
    /// The measured latency.
    pub latency_ns: f64,
    /// Its 95% interval.
    pub ci95_ns: [f64; 2],
    /// The latency with the speedups.
    pub projected: Projected,
    /// The latency if what is sped up took no time.
    pub limit: Projected,
    /// Groups, in the order of their measured shares.
    pub groups: Vec<ProjectedGroup>,
    /// What to bear in mind.
    pub notes: Vec<String>,
}

/// Projections of runs, and which runs have none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Projections {
    /// What is sped up, and how much.
    pub speedups: Vec<Speedup>,
    /// One for each run with a breakdown.
    pub runs: Vec<Projection>,
    /// Ids of runs that failed or have no breakdown.
    pub without: Vec<String>,
}

/// Projects every run.
///
/// ```
/// use nongemm_report::project::{Speedups, project};
///
/// let speedups = Speedups::parse(&["gemm=10".to_owned()])?;
/// // Records as `store::read_all` gives them.
/// let projections = project(&[], &speedups)?;
/// assert_eq!(speedups.of_group("gemm"), Some(10.0));
/// assert!(projections.runs.is_empty());
/// assert!(Speedups::parse(&["gem=10".to_owned()]).is_err());
/// # Ok::<(), nongemm_report::project::SpeedupError>(())
/// ```
///
/// # Errors
/// When an operator is in none of the runs.
pub fn project(runs: &[RunRecord], speedups: &Speedups) -> Result<Projections, SpeedupError> {
    let profiles = || runs.iter().filter_map(|run| run.profile.as_ref());
    let known: BTreeSet<&str> = profiles()
        .flat_map(|profile| profile.ops.iter().map(|op| op.op.as_str()))
        .collect();
    speedups.check_operators(&known)?;
    let mut projections = Projections {
        speedups: speedups.list().to_vec(),
        runs: Vec::new(),
        without: Vec::new(),
    };
    for run in runs {
        match (run.status, &run.latency, &run.profile) {
            (Status::Ok, Some(latency), Some(profile)) => {
                let one = project_run(run, latency, profile, speedups);
                projections.runs.push(one);
            }
            _ => projections.without.push(run.id.clone()),
        }
    }
    Ok(projections)
}

/// How much of its time each operator keeps, 0 to 1 where it gets faster.
struct Kept<'a> {
    speedups: &'a Speedups,
    /// Nothing of what is sped up.
    limit: bool,
}

impl Kept<'_> {
    fn factor(&self, speedup: Option<f64>) -> f64 {
        match speedup {
            None => 1.0,
            Some(_) if self.limit => 0.0,
            Some(speedup) => 1.0 / speedup,
        }
    }

    fn of_group(&self, name: &str) -> f64 {
        self.factor(self.speedups.of_group(name))
    }

    fn of(&self, op: &OpRow) -> f64 {
        self.factor(self.speedups.of_operator(&op.op, op.group.name()))
    }
}

fn project_run(
    run: &RunRecord,
    latency: &Latency,
    profile: &Profile,
    speedups: &Speedups,
) -> Projection {
    let of = |limit| {
        let kept = Kept { speedups, limit };
        (groups(profile, &kept), half_width(profile, &kept))
    };
    let (groups_projected, half_projected) = of(false);
    let (groups_limit, half_limit) = of(true);
    let wall = profile.timeline().wall_median_ns;
    let part = |groups: &BTreeMap<&str, [f64; 2]>| -> f64 {
        groups.values().map(|[_, after]| after).sum::<f64>() / wall
    };
    let part_projected = part(&groups_projected);
    let scale = latency.median_ns / wall;
    let mut rows: Vec<ProjectedGroup> = groups_projected
        .iter()
        .map(|(name, [before, after])| ProjectedGroup {
            name: (*name).to_owned(),
            share: before / wall,
            projected_share: after / wall / part_projected,
            projected_ns: after * scale,
        })
        .collect();
    rows.sort_by(|a, b| b.share.total_cmp(&a.share));
    Projection {
        id: run.id.clone(),
        spec: run.spec.clone(),
        latency_ns: latency.median_ns,
        ci95_ns: latency.ci95_ns,
        projected: projected(latency, part_projected, half_projected),
        limit: projected(latency, part(&groups_limit), half_limit),
        groups: rows,
        notes: notes(latency, profile, half_projected.is_none()),
    }
}

/// Time of each group before and after.
fn groups<'a>(profile: &'a Profile, kept: &Kept<'_>) -> BTreeMap<&'a str, [f64; 2]> {
    let mut groups: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
    for op in &profile.ops {
        let [before, after] = groups.entry(op.group.name()).or_default();
        let ns = profile.time_of(op);
        *before += ns;
        *after += ns * kept.of(op);
    }
    let Timeline {
        unattributed_ns, ..
    } = profile.timeline();
    let after = unattributed_ns * kept.of_group(UNATTRIBUTED);
    groups.insert(UNATTRIBUTED, [unattributed_ns, after]);
    groups
}

/// Half the width of the 95% interval of the part of the time that is kept; `None` if the record does not tell.
fn half_width(profile: &Profile, kept: &Kept<'_>) -> Option<f64> {
    let runs = profile.walls_ns.len();
    let complete = profile.group_ns.values().all(|series| series.len() == runs);
    if profile.group_ns.is_empty() || !complete {
        return None;
    }
    let mut wall = vec![0.0; runs];
    let mut after = vec![0.0; runs];
    for (name, series) in &profile.group_ns {
        let factor = kept.of_group(name);
        for ((wall, after), ns) in wall.iter_mut().zip(&mut after).zip(series) {
            *wall += ns;
            *after += ns * factor;
        }
    }
    let median = MedianRuns::of(&profile.walls_ns);
    let whole = median.mean(&wall);
    let part = median.mean(&after) / whole;
    // A ratio of means: its error is that of the mean of what each run departs from it (Cochran, Sampling
    // Techniques, 6.3).
    let departures: Vec<f64> = wall
        .iter()
        .zip(&after)
        .map(|(wall, after)| (after - part * wall) / whole)
        .collect();
    let groups = median.standard_error(&departures)?;
    let operators = operators_error(profile, kept)? / whole;
    let freedom = stats::degrees_of_freedom(runs) as f64;
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(student.inverse_cdf(0.975) * (groups + operators))
}

/// The standard error of what operators with a speedup of their own add: the sum of theirs, which is the most that
/// it can be however they vary together.
fn operators_error(profile: &Profile, kept: &Kept<'_>) -> Option<f64> {
    let mut sum = 0.0;
    for op in &profile.ops {
        let weight = (kept.of(op) - kept.of_group(op.group.name())).abs();
        if weight > 0.0 {
            let times = match (&profile.device, &op.device_ns) {
                (Some(_), Some(times)) => times,
                _ => &op.host_ns,
            };
            sum += weight * times.se?;
        }
    }
    Some(sum)
}

fn projected(latency: &Latency, part: f64, half: Option<f64>) -> Projected {
    let median = latency.median_ns;
    let ns = median * part;
    let of_part = half.unwrap_or(0.0) * median;
    let bound = |of_latency: f64| (of_latency * part).hypot(of_part);
    let [low, high] = latency.ci95_ns;
    Projected {
        ns,
        ci95_ns: [
            (ns - bound(median - low)).max(0.0),
            ns + bound(high - median),
        ],
        speedup: (part > 0.0).then_some(1.0 / part),
    }
}

fn notes(latency: &Latency, profile: &Profile, without_shares: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |applies: bool, text: &str| {
        if applies {
            notes.push(text.to_owned());
        }
    };
    note(
        latency.n < 6,
        "fewer than six samples: the intervals are ranges",
    );
    note(
        without_shares,
        "the record does not tell how the shares vary: the intervals are those of the latency alone",
    );
    note(
        profile.unreliable,
        "instrumenting slowed the run down so much that the shares are not to be trusted",
    );
    note(
        profile.device.is_some(),
        "shares are of the device's own timeline: the projection holds if the device sets the pace",
    );
    notes
}
