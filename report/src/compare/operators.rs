//! The operators of two sides, paired.

use std::collections::BTreeMap;

use nongemm_core::record::{OpRow, Profile};

use super::estimate::{self, Estimate};

/// One operator: the same scope, name and shapes, and the same place among several such.
pub(super) struct Operator<'a> {
    /// Its row in NEW, or in BASE if only that has it.
    pub(super) row: &'a OpRow,
    /// Its time in each record of BASE that has it.
    pub(super) base: Vec<Estimate>,
    /// In each record of NEW.
    pub(super) new: Vec<Estimate>,
}

/// Shapes of the inputs: `[1, 128, 768] [768]`.
pub(super) fn shapes(row: &OpRow) -> String {
    let shapes: Vec<String> = row
        .inputs
        .iter()
        .map(|spec| spec.shape.to_string())
        .collect();
    shapes.join(" ")
}

type Key<'a> = (&'a str, &'a str, String, usize);

/// Rows of a profile with what they are paired by.
fn keyed(profile: &Profile) -> impl Iterator<Item = (Key<'_>, &OpRow)> {
    let mut seen: BTreeMap<(&str, &str, String), usize> = BTreeMap::new();
    profile.ops.iter().map(move |row| {
        let (scope, op) = (row.scope.as_str(), row.op.as_str());
        let shapes = shapes(row);
        let count = seen.entry((scope, op, shapes.clone())).or_default();
        *count += 1;
        ((scope, op, shapes, *count), row)
    })
}

/// Pairs the operators: those of NEW in execution order, then those that only BASE has.
pub(super) fn pair<'a>(base: &[&'a Profile], new: &[&'a Profile]) -> Vec<Operator<'a>> {
    let mut positions: BTreeMap<Key<'a>, usize> = BTreeMap::new();
    let mut operators: Vec<Operator<'a>> = Vec::new();
    for (profiles, is_new) in [(new, true), (base, false)] {
        for profile in profiles {
            for (key, row) in keyed(profile) {
                let next = operators.len();
                let position = *positions.entry(key).or_insert(next);
                if position == next {
                    operators.push(Operator {
                        row,
                        base: Vec::new(),
                        new: Vec::new(),
                    });
                }
                let operator = &mut operators[position];
                let times = match is_new {
                    true => &mut operator.new,
                    false => &mut operator.base,
                };
                times.push(estimate::operator(profile, row));
            }
        }
    }
    operators
}

/// Positions of equal calls: the same name and shapes, in whatever module. In the order of the first.
pub(super) fn kinds(operators: &[Operator<'_>]) -> Vec<Vec<usize>> {
    let mut positions: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut kinds: Vec<Vec<usize>> = Vec::new();
    for (index, operator) in operators.iter().enumerate() {
        let key = (operator.row.op.as_str(), shapes(operator.row));
        let next = kinds.len();
        let position = *positions.entry(key).or_insert(next);
        if position == next {
            kinds.push(Vec::new());
        }
        kinds[position].push(index);
    }
    kinds
}

/// The time of several operators together, in each record of a side.
pub(super) fn together(parts: &[&Vec<Estimate>]) -> Vec<Estimate> {
    let records = parts.iter().map(|part| part.len()).max().unwrap_or(0);
    let sums = (0..records).map(|record| {
        let of_record: Vec<Estimate> = parts
            .iter()
            .filter_map(|part| part.get(record).copied())
            .collect();
        estimate::sum(&of_record)
    });
    sums.collect()
}
