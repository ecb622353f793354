//! Variants: the implementations that each model and flow has for the operators of one group.

use std::collections::BTreeMap;
use std::io::{self, Write};

use nongemm_core::op::OpGroup;
use nongemm_core::record::RunRecord;

use crate::hotspots::non_gemm;

/// Group, model, flow.
type Place<'a> = (OpGroup, &'a str, &'a str);

pub(super) fn write(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let mut places: BTreeMap<Place<'_>, BTreeMap<&str, usize>> = BTreeMap::new();
    for run in runs {
        let Some(profile) = &run.profile else {
            continue;
        };
        let mut calls: BTreeMap<(OpGroup, &str), usize> = BTreeMap::new();
        for spot in non_gemm(profile) {
            *calls.entry((spot.group, spot.name)).or_default() += spot.calls;
        }
        for ((group, name), calls) in calls {
            let place = (group, run.spec.model.as_str(), run.spec.backend.as_str());
            let known = places.entry(place).or_default().entry(name).or_default();
            // Runs of other sizes are no further calls.
            *known = calls.max(*known);
        }
    }
    writeln!(out, "\n## Variants\n")?;
    writeln!(
        out,
        "| group | model | flow | variants | implementations and calls in one inference |"
    )?;
    writeln!(out, "|---|---|---|---:|---|")?;
    for ((group, model, flow), names) in places {
        let listed: Vec<String> = names
            .iter()
            .map(|(name, calls)| format!("{name} {calls}"))
            .collect();
        let (count, listed) = (names.len(), listed.join(", "));
        writeln!(out, "| {group} | {model} | {flow} | {count} | {listed} |")?;
    }
    Ok(())
}
