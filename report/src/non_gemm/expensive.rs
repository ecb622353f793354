//! The most expensive non-GEMM group of each run, as Table 4 of the paper.

use std::io::{self, Write};

use nongemm_core::op::OpGroup;
use nongemm_core::record::{GroupShare, RunRecord};

use super::is_non_gemm;
use crate::format;

pub(super) fn write(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n## Most expensive group\n")?;
    writeln!(
        out,
        "| model | flow | device | type | batch | group | share of time | all non-GEMM |"
    )?;
    writeln!(out, "|---|---|---|---|---:|---|---:|---:|")?;
    for run in runs.iter().filter(|run| run.profile.is_some()) {
        let shares = shares(run);
        let all: f64 = shares.iter().map(|(_, share)| share.share).sum();
        let first = shares.iter().max_by(|a, b| a.1.share.total_cmp(&b.1.share));
        let (group, share) = first.map_or_else(
            || ("–".to_owned(), "–".to_owned()),
            |(group, share)| (group.to_string(), format::percent(share.share)),
        );
        let unreliable = run
            .profile
            .as_ref()
            .is_some_and(|profile| profile.unreliable);
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {group} | {share}{} | {} |",
            run.spec.model,
            run.spec.backend,
            run.spec.device,
            run.spec.dtype,
            run.spec.batch,
            if unreliable { " (unreliable)" } else { "" },
            format::percent(all)
        )?;
    }
    Ok(())
}

fn shares(run: &RunRecord) -> Vec<(OpGroup, GroupShare)> {
    let groups = OpGroup::ALL.into_iter().filter(|group| is_non_gemm(*group));
    let share = |group: OpGroup| Some((group, *run.groups.get(group.name())?));
    groups.filter_map(share).collect()
}
