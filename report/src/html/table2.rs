//! Table 2 of the NonGEMM Bench paper, made of the runs: non-GEMM operators, their characteristics, the
//! models that they are in and the input of their most expensive call.

use std::collections::BTreeMap;

use nongemm_core::op::{OpGroup, OpTraits};
use nongemm_core::record::{Profile, RunRecord};
use serde::Serialize;

use super::operators::index;
use crate::hotspots;

/// One operator of one model.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    group: i64,
    op: &'a str,
    model: &'a str,
    /// Single operation, single operand, non-linear, dynamic, reduction; null where the definition of
    /// the operator is not known.
    traits: [Option<bool>; 5],
    input: String,
    calls: usize,
}

/// The rows, of one run for each model: the first whose operators' definitions are known, else the first.
pub(super) fn rows<'a>(runs: &'a [RunRecord], groups: &[&str]) -> Vec<Row<'a>> {
    let mut chosen: BTreeMap<&str, (&RunRecord, &Profile)> = BTreeMap::new();
    for run in runs {
        let Some(profile) = &run.profile else {
            continue;
        };
        let known = chosen.get(run.spec.model.as_str());
        if known.is_none_or(|(_, other)| !defined(other) && defined(profile)) {
            chosen.insert(&run.spec.model, (run, profile));
        }
    }
    let mut rows: BTreeMap<(OpGroup, &str, &str), Row<'a>> = BTreeMap::new();
    for (model, (run, profile)) in chosen {
        // The most expensive come first, so the first of a name gives the example.
        for spot in hotspots::non_gemm(profile) {
            let row = rows.entry((spot.group, spot.name, model));
            let row = row.or_insert_with(|| Row {
                group: index(groups, spot.group.name()),
                op: spot.name,
                model,
                traits: characteristics(spot.traits),
                input: hotspots::shapes(spot.inputs.get(..1).unwrap_or_default(), run.spec.dtype),
                calls: 0,
            });
            row.calls += spot.calls;
        }
    }
    rows.into_values().collect()
}

fn defined(profile: &Profile) -> bool {
    profile.ops.iter().any(|row| row.traits.is_some())
}

fn characteristics(traits: Option<OpTraits>) -> [Option<bool>; 5] {
    traits.map_or([None; 5], |traits| {
        [
            traits.single_operation,
            traits.single_operand,
            traits.non_linear,
            traits.dynamic,
            traits.reduction,
        ]
        .map(Some)
    })
}
