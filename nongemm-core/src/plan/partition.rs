//! A part of a suite, for job arrays.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::same::same_thing;
use crate::record::RunSpec;

/// Part `part` of `parts`, counted from 1.
///
/// The parts of a suite hold each of its runs exactly once, depend on nothing but the suite, and differ
/// in size by one run at most. Runs of the same thing in several flows lie in one part as far as sizes
/// allow, so that their outputs can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    part: usize,
    parts: usize,
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text
            .split_once('/')
            .and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
        match numbers {
            Some((part, parts)) if (1..=parts).contains(&part) => Ok(Partition { part, parts }),
            _ => Err("give a part and the number of parts, such as 2/8".to_owned()),
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.parts)
    }
}

impl Partition {
    /// The runs of this part, and those of all others. There may be none where parts outnumber runs.
    pub fn split(self, runs: &[RunSpec]) -> (Vec<RunSpec>, Vec<RunSpec>) {
        let count = runs.len() as u128;
        let bound = |part: usize| (count * part as u128 / self.parts as u128) as usize;
        let own = bound(self.part - 1)..bound(self.part);
        let mut others = Vec::new();
        let mut chosen = Vec::new();
        for (index, spec) in together(runs).into_iter().enumerate() {
            if own.contains(&index) {
                chosen.push(spec);
            } else {
                others.push(spec);
            }
        }
        (chosen, others)
    }
}

/// The same runs with those of the same thing next to each other, otherwise in their order.
fn together(runs: &[RunSpec]) -> Vec<RunSpec> {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    let mut ordered: Vec<(usize, RunSpec)> = Vec::with_capacity(runs.len());
    for (index, spec) in runs.iter().enumerate() {
        let position = *first.entry(same_thing(spec)).or_insert(index);
        ordered.push((position, spec.clone()));
    }
    ordered.sort_by_key(|(position, _)| *position);
    ordered.into_iter().map(|(_, spec)| spec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::run_id;

    fn part(text: &str, runs: &[RunSpec]) -> Vec<String> {
        let (own, others) = text.parse::<Partition>().unwrap().split(runs);
        assert_eq!(own.len() + others.len(), runs.len());
        own.iter().map(run_id).collect()
    }

    #[test]
    fn parts_hold_each_run_once_and_differ_by_one_at_most() {
        let runs: Vec<RunSpec> = (0..7)
            .map(|i| RunSpec::example(&format!("m{i}"), "a"))
            .collect();
        let mut expected: Vec<String> = runs.iter().map(run_id).collect();
        expected.sort();
        for parts in 1..=9 {
            let all: Vec<Vec<String>> = (1..=parts)
                .map(|k| part(&format!("{k}/{parts}"), &runs))
                .collect();
            let sizes = all.iter().map(Vec::len);
            let spread = sizes.clone().max().unwrap() - sizes.min().unwrap();
            assert!(spread <= 1, "{parts} parts");
            let mut union: Vec<String> = all.into_iter().flatten().collect();
            union.sort();
            assert_eq!(union, expected, "{parts} parts");
        }
    }

    #[test]
    fn flows_of_one_model_stay_together() {
        let runs: Vec<RunSpec> = ["a", "b"]
            .iter()
            .flat_map(|backend| ["x", "y", "z"].map(|model| RunSpec::example(model, backend)))
            .collect();
        for k in 1..=3 {
            let ids = part(&format!("{k}/3"), &runs);
            assert_eq!(ids.len(), 2);
            assert_eq!(ids[0].split('-').next(), ids[1].split('-').next());
        }
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in ["0/3", "4/3", "1", "1/0", "a/b", "1/2/3", "-1/2", ""] {
            assert!(text.parse::<Partition>().is_err(), "{text}");
        }
        assert_eq!("2/8".parse::<Partition>().unwrap().to_string(), "2/8");
    }
}
