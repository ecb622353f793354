//! The variance of changes of several operators together, with one record a side.

use super::estimate::Estimate;
use super::judge::{Contrast, Variance};
use super::operators::Operator;
use super::peers;

/// A difference of logarithms with its variance, where both sides have the part.
pub(super) type Raw = Option<(Option<Contrast>, Option<Variance>)>;

/// The sum of the values.
pub(super) fn total(estimates: &[Estimate]) -> f64 {
    estimates.iter().map(|estimate| estimate.value).sum()
}

/// Whether both sides have it.
pub(super) fn is_paired(operator: &Operator<'_>) -> bool {
    !operator.base.is_empty() && !operator.new.is_empty()
}

/// The time of calls on one side; `None` if it has none of them.
pub(super) fn total_of(calls: &[&Operator<'_>], of_new: bool) -> Option<f64> {
    let times = calls
        .iter()
        .map(|call| if of_new { &call.new } else { &call.base });
    let all: Vec<&Vec<Estimate>> = times.filter(|times| !times.is_empty()).collect();
    (!all.is_empty()).then(|| all.iter().map(|times| total(times)).sum())
}

/// The variance of the change of equal calls together, relative to their time, from how the changes of the single
/// calls scatter. One record a side.
pub(super) fn scatter_of_sum(calls: &[&Operator<'_>]) -> Option<Variance> {
    let paired = calls.iter().filter(|call| is_paired(call));
    let pairs: Vec<(f64, f64)> = paired
        .map(|call| (total(&call.base), total(&call.new)))
        .collect();
    let time: f64 = pairs.iter().map(|(base, new)| (base + new) / 2.0).sum();
    let changes: Vec<f64> = pairs
        .iter()
        .map(|(base, new)| (new - base) / time)
        .collect();
    let one = peers::scatter(&changes)?;
    Some(Variance {
        value: one.value * changes.len() as f64,
        ..one
    })
}

/// The variance of the change of calls together, relative to their time, if each has its own floor and nothing else
/// in common.
pub(super) fn floor_of_sum(
    calls: &[usize],
    operators: &[Operator<'_>],
    floors: &[Option<Variance>],
) -> Option<Variance> {
    let mut sum: Option<Variance> = None;
    let mut time = 0.0;
    for &index in calls {
        let own = total(&operators[index].base) + total(&operators[index].new);
        time += own;
        if let Some(floor) = floors[index] {
            let absolute = Variance {
                value: floor.value * own * own,
                ..floor
            };
            sum = Some(sum.map_or(absolute, |sum| sum.plus(absolute)));
        }
    }
    sum.map(|sum| Variance {
        value: sum.value / (time * time),
        ..sum
    })
}

/// The variance of the change of a group, from those of its operators. One record a side.
pub(super) fn variance_of_kinds(
    group: &str,
    operators: &[Operator<'_>],
    kinds: &[Vec<usize>],
    of_kinds: &[Raw],
) -> Option<Variance> {
    let mut sum: Option<Variance> = None;
    let mut time = 0.0;
    for (kind, raw) in kinds.iter().zip(of_kinds) {
        if operators[kind[0]].row.group.name() != group {
            continue;
        }
        let calls: Vec<&Operator<'_>> = kind.iter().map(|&i| &operators[i]).collect();
        let both = [false, true].map(|of_new| total_of(&calls, of_new).unwrap_or(0.0));
        let own = (both[0] + both[1]) / 2.0;
        time += own;
        let (Some((Some(_), variance)), true) = (raw, own > 0.0) else {
            continue;
        };
        let relative = (*variance)?;
        let absolute = Variance {
            value: relative.value * own * own,
            ..relative
        };
        sum = Some(sum.map_or(absolute, |sum| sum.plus(absolute)));
    }
    let sum = sum?;
    Some(Variance {
        value: sum.value / (time * time),
        ..sum
    })
}
