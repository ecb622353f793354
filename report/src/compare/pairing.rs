//! Which runs of two sides are compared with each other.

use std::collections::BTreeMap;

use nongemm_core::record::{RunRecord, RunSpec};

/// Runs of two sides.
pub(super) struct Paired<'a> {
    /// Records of the same run on both sides: several are repetitions.
    pub(super) pairs: Vec<(Vec<&'a RunRecord>, Vec<&'a RunRecord>)>,
    /// Ids of the others.
    pub(super) only_base: Vec<String>,
    /// Ids of the others.
    pub(super) only_new: Vec<String>,
}

/// What runs must have in common, strictest first. Where runs are equal in a weaker sense only, they are
/// compared if nothing else could be meant: one such run on each side.
const KEYS: [fn(&RunSpec) -> String; 3] = [
    |spec| serde_json::to_string(spec).unwrap_or_default(),
    |spec| format!("{} {} {}", inputs(spec), spec.backend, spec.device),
    inputs,
];

/// The model and the sizes of its inputs.
fn inputs(spec: &RunSpec) -> String {
    format!(
        "{:?} {} {:?} {:?}",
        spec.model, spec.batch, spec.seq, spec.image
    )
}

/// Records with one specification, in the order of the first.
fn by_spec(runs: &[RunRecord]) -> Vec<Vec<&RunRecord>> {
    let mut positions: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<&RunRecord>> = Vec::new();
    for run in runs {
        let next = groups.len();
        let position = *positions.entry(KEYS[0](&run.spec)).or_insert(next);
        if position == next {
            groups.push(Vec::new());
        }
        groups[position].push(run);
    }
    groups
}

/// Pairs the runs.
pub(super) fn pair<'a>(base: &'a [RunRecord], new: &'a [RunRecord]) -> Paired<'a> {
    let base = by_spec(base);
    let new = by_spec(new);
    let mut partner: Vec<Option<usize>> = vec![None; new.len()];
    let mut taken = vec![false; base.len()];
    for key in KEYS {
        let of_base = unique(&base, |index| !taken[index], key);
        let of_new = unique(&new, |index| partner[index].is_none(), key);
        for (name, index) in of_new {
            if let Some(Some(found)) = of_base.get(&name)
                && let Some(index) = index
            {
                partner[index] = Some(*found);
                taken[*found] = true;
            }
        }
    }
    let id = |runs: &Vec<&RunRecord>| runs[0].id.clone();
    let mut paired = Paired {
        pairs: Vec::new(),
        only_base: Vec::new(),
        only_new: Vec::new(),
    };
    for (runs, partner) in new.iter().zip(&partner) {
        match partner {
            Some(index) => paired.pairs.push((base[*index].clone(), runs.clone())),
            None => paired.only_new.push(id(runs)),
        }
    }
    let left = base.iter().zip(&taken).filter(|(_, taken)| !**taken);
    paired.only_base = left.map(|(runs, _)| id(runs)).collect();
    paired
}

/// The free groups by key; `None` where several share one.
fn unique(
    groups: &[Vec<&RunRecord>],
    is_free: impl Fn(usize) -> bool,
    key: fn(&RunSpec) -> String,
) -> BTreeMap<String, Option<usize>> {
    let mut found = BTreeMap::new();
    for (index, runs) in groups.iter().enumerate() {
        if is_free(index) {
            found
                .entry(key(&runs[0].spec))
                .and_modify(|position| *position = None)
                .or_insert(Some(index));
        }
    }
    found
}
