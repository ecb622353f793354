//! Which groups and operators account for a difference.

use std::collections::BTreeMap;

use nongemm_core::record::{Profile, Timeline, UNATTRIBUTED};
use nongemm_core::stats::MedianRuns;
use serde::Serialize;

use super::estimate::Estimate;
use super::judge::{self, Change, Contrast, Variance};
use super::operators::{self, Operator};
use super::peers::{self, Member};
use super::sums::{
    Raw, floor_of_sum, is_paired, scatter_of_sum, total, total_of, variance_of_kinds,
};

/// Peers of an operator.
const OPERATORS: usize = 40;

/// Peers of equal operators together.
const KINDS: usize = 15;

/// A part of the time of a run: a group, an operator, or all equal operators.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// Name of the group or of the operator.
    pub name: String,
    /// Its module path; null for several modules.
    pub scope: Option<String>,
    /// Its group; null for what is a group.
    pub group: Option<String>,
    /// Shapes of its inputs.
    pub shapes: Option<String>,
    /// How many calls BASE and NEW have.
    pub calls: [usize; 2],
    /// Its time in BASE, the mean over its records; 0 if it is not there.
    pub base_ns: f64,
    /// Its time in NEW.
    pub new_ns: f64,
    /// What it adds to the difference of the whole.
    pub difference_ns: f64,
    /// How it changed; null if only one side has it.
    pub change: Option<Change>,
}

/// How the median instrumented run changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProfileChange {
    /// Its wall time in BASE, the mean over its records.
    pub base_ns: f64,
    /// In NEW.
    pub new_ns: f64,
    /// The difference, which the differences of all groups add up to, as those of all operators do with
    /// `unattributed`.
    pub difference_ns: f64,
    /// Groups and `unattributed`, by what they add to the difference.
    pub groups: Vec<Part>,
    /// Operators, equal calls together, by what they add to the difference.
    pub kinds: Vec<Part>,
    /// Operators one by one, in execution order.
    pub operators: Vec<Part>,
}

/// Sums over the records of a side.
struct Means<'a> {
    base: &'a [&'a Profile],
    new: &'a [&'a Profile],
}

impl Means<'_> {
    fn of_base(&self, sum: f64) -> f64 {
        sum / self.base.len() as f64
    }

    fn of_new(&self, sum: f64) -> f64 {
        sum / self.new.len() as f64
    }
}

/// Compares the profiles of two sides, each with at least one.
pub(super) fn compare(base: &[&Profile], new: &[&Profile], threshold: f64) -> ProfileChange {
    let means = Means { base, new };
    let operators = operators::pair(base, new);
    let kinds = operators::kinds(&operators);
    let (of_operators, floors) = operator_changes(&operators, &kinds);
    let of_kinds = kind_changes(&operators, &kinds, &floors);

    let operator_parts: Vec<Part> = operators
        .iter()
        .zip(&of_operators)
        .map(|(operator, change)| {
            let scope = Some(operator.row.scope.clone());
            part(&means, &[operator], scope, finish(change, threshold))
        })
        .collect();
    let kind_parts: Vec<Part> = kinds
        .iter()
        .zip(&of_kinds)
        .map(|(members, change)| {
            let members: Vec<&Operator<'_>> = members.iter().map(|&i| &operators[i]).collect();
            part(&means, &members, None, finish(change, threshold))
        })
        .collect();
    let mut groups = group_parts(&means, &operators, &kinds, &of_kinds, threshold);
    let mut operators = operator_parts;
    let mut kinds = kind_parts;
    for parts in [&mut groups, &mut kinds, &mut operators] {
        let family = parts.iter_mut().filter_map(|part| part.change.as_mut());
        judge::settle(family.collect(), judge::benjamini_hochberg, threshold);
    }
    for parts in [&mut groups, &mut kinds] {
        let size = |part: &Part| part.difference_ns.abs();
        parts.sort_by(|a, b| size(b).total_cmp(&size(a)));
    }
    let wall =
        |side: &[&Profile]| -> f64 { side.iter().map(|p| p.timeline().wall_median_ns).sum() };
    let (base_ns, new_ns) = (means.of_base(wall(base)), means.of_new(wall(new)));
    ProfileChange {
        base_ns,
        new_ns,
        difference_ns: new_ns - base_ns,
        groups,
        kinds,
        operators,
    }
}

fn finish(raw: &Raw, threshold: f64) -> Option<Change> {
    raw.map(|(contrast, variance)| match contrast {
        Some(contrast) => Change::of(contrast.difference, variance, threshold),
        None => Change::unknown(None),
    })
}

/// The change of each operator, and the variance that it has at least.
fn operator_changes(
    operators: &[Operator<'_>],
    kinds: &[Vec<usize>],
) -> (Vec<Raw>, Vec<Option<Variance>>) {
    let mut kind_of = vec![0; operators.len()];
    for (position, kind) in kinds.iter().enumerate() {
        kind.iter().for_each(|&index| kind_of[index] = position);
    }
    let members: Vec<Member> = operators
        .iter()
        .zip(kind_of)
        .map(|(operator, kind)| Member {
            ns: total(&operator.base) + total(&operator.new),
            kind,
            contrast: Contrast::of(&operator.base, &operator.new),
        })
        .collect();
    let mut floors = peers::variances(&members, OPERATORS);
    for kind in kinds {
        let changes = kind.iter().filter_map(|&i| members[i].contrast);
        let is_repeated = changes.clone().any(|change| change.between.is_some());
        let changes: Vec<f64> = changes.map(|change| change.difference).collect();
        let scatter = peers::scatter(&changes).filter(|_| !is_repeated);
        for &index in kind {
            floors[index] = peers::larger(floors[index], scatter);
        }
    }
    let raw = operators.iter().zip(&members).zip(&floors);
    let raw = raw.map(|((operator, member), floor)| {
        let variance = member.contrast.and_then(|c| peers::at_least(&c, *floor));
        is_paired(operator).then_some((member.contrast, variance))
    });
    (raw.collect(), floors)
}

fn kind_changes(
    operators: &[Operator<'_>],
    kinds: &[Vec<usize>],
    of_operators: &[Option<Variance>],
) -> Vec<Raw> {
    let sides = |kind: &Vec<usize>| {
        let base: Vec<_> = kind.iter().map(|&i| &operators[i].base).collect();
        let new: Vec<_> = kind.iter().map(|&i| &operators[i].new).collect();
        (operators::together(&base), operators::together(&new))
    };
    let members: Vec<Member> = kinds
        .iter()
        .enumerate()
        .map(|(position, kind)| {
            let (base, new) = sides(kind);
            Member {
                ns: (total(&base) + total(&new)) / kind.len() as f64,
                kind: position,
                contrast: Contrast::of(&base, &new),
            }
        })
        .collect();
    let floors = peers::variances(&members, KINDS);
    let raw = kinds.iter().zip(&members).zip(floors);
    raw.map(|((kind, member), floor)| {
        let calls: Vec<&Operator<'_>> = kind.iter().map(|&i| &operators[i]).collect();
        let contrast = member.contrast;
        let is_single = contrast.is_some_and(|contrast| contrast.between.is_none());
        let floor = match is_single {
            true => {
                let of_calls = floor_of_sum(kind, operators, of_operators);
                peers::larger(peers::larger(floor, of_calls), scatter_of_sum(&calls))
            }
            false => floor,
        };
        let variance = contrast.and_then(|contrast| peers::at_least(&contrast, floor));
        let both = [total_of(&calls, false), total_of(&calls, true)];
        let is_paired = both.iter().all(Option::is_some);
        is_paired.then_some((contrast, variance))
    })
    .collect()
}

fn part(
    means: &Means<'_>,
    operators: &[&Operator<'_>],
    scope: Option<String>,
    change: Option<Change>,
) -> Part {
    let row = operators[0].row;
    let sum = |of: &dyn Fn(&Operator<'_>) -> f64| operators.iter().map(|o| of(o)).sum::<f64>();
    let base_ns = means.of_base(sum(&|o| total(&o.base)));
    let new_ns = means.of_new(sum(&|o| total(&o.new)));
    let count = |of: &dyn Fn(&Operator<'_>) -> bool| operators.iter().filter(|o| of(o)).count();
    Part {
        name: row.op.clone(),
        scope,
        group: Some(row.group.name().to_owned()),
        shapes: Some(operators::shapes(row)),
        calls: [
            count(&|o| !o.base.is_empty()),
            count(&|o| !o.new.is_empty()),
        ],
        base_ns,
        new_ns,
        difference_ns: new_ns - base_ns,
        change,
    }
}

/// The time of each group in each record of a side, `unattributed` among them.
fn group_times(side: &[&Profile]) -> BTreeMap<String, (Vec<Estimate>, usize)> {
    let mut times: BTreeMap<String, (Vec<Estimate>, usize)> = BTreeMap::new();
    for profile in side {
        let runs = MedianRuns::of(&profile.walls_ns);
        let mut sums: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
        for op in &profile.ops {
            let sum = sums.entry(op.group.name()).or_default();
            sum.0 += profile.time_of(op);
            sum.1 += 1;
        }
        let Timeline {
            unattributed_ns, ..
        } = profile.timeline();
        sums.insert(UNATTRIBUTED, (unattributed_ns, 0));
        for (name, (value, count)) in sums {
            let entry = times.entry(name.to_owned()).or_default();
            let series = profile.group_ns.get(name);
            let series = series.filter(|series| series.len() == profile.walls_ns.len());
            entry.0.push(Estimate {
                value,
                se: series.and_then(|series| runs.standard_error(series)),
                freedom: nongemm_core::stats::degrees_of_freedom(profile.n) as f64,
            });
            entry.1 = entry.1.max(count);
        }
    }
    times
}

fn group_parts(
    means: &Means<'_>,
    operators: &[Operator<'_>],
    kinds: &[Vec<usize>],
    of_kinds: &[Raw],
    threshold: f64,
) -> Vec<Part> {
    let (mut base, mut new) = (group_times(means.base), group_times(means.new));
    let names: std::collections::BTreeSet<String> =
        base.keys().chain(new.keys()).cloned().collect();
    names
        .into_iter()
        .map(|name| {
            let (old, old_calls) = base.remove(&name).unwrap_or_default();
            let (now, now_calls) = new.remove(&name).unwrap_or_default();
            let contrast = Contrast::of(&old, &now);
            let variance = contrast.and_then(|contrast| match contrast.between {
                Some(_) => contrast.variance(),
                None => variance_of_kinds(&name, operators, kinds, of_kinds),
            });
            let is_paired = !old.is_empty() && !now.is_empty();
            let raw = is_paired.then_some((contrast, variance));
            let (base_ns, new_ns) = (means.of_base(total(&old)), means.of_new(total(&now)));
            Part {
                name,
                scope: None,
                group: None,
                shapes: None,
                calls: [old_calls, now_calls],
                base_ns,
                new_ns,
                difference_ns: new_ns - base_ns,
                change: finish(&raw, threshold),
            }
        })
        .collect()
}
