//! Operators with characteristics and example shapes, as Table 2 of the paper.

use std::collections::BTreeMap;
use std::io::{self, Write};

use nongemm_core::op::{OpGroup, OpTraits};
use nongemm_core::record::RunRecord;

use crate::hotspots::{Hotspot, non_gemm};

pub(super) fn write(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let mut rows: BTreeMap<(OpGroup, &str, &str), Hotspot<'_>> = BTreeMap::new();
    for run in runs {
        let spots = run.profile.as_ref().map(non_gemm).unwrap_or_default();
        for spot in spots {
            let key = (spot.group, spot.name, run.spec.model.as_str());
            // The most expensive call is first, and the example.
            rows.entry(key).or_insert(spot);
        }
    }
    writeln!(out, "\n## Characteristics\n")?;
    writeln!(
        out,
        "| group | operator | model | single operation | single operand | non-linear | dynamic | reduction | \
         example input |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
    for ((group, name, model), spot) in rows {
        let example = spot.inputs.first().map(|spec| spec.shape.to_string());
        let example = example.unwrap_or_else(|| "–".to_owned());
        writeln!(
            out,
            "| {group} | {name} | {model} | {} | {example} |",
            marks(spot.traits)
        )?;
    }
    Ok(())
}

fn marks(traits: Option<OpTraits>) -> String {
    let Some(traits) = traits else {
        return ["–"; 5].join(" | ");
    };
    let flags = [
        traits.single_operation,
        traits.single_operand,
        traits.non_linear,
        traits.dynamic,
        traits.reduction,
    ];
    flags
        .map(|flag| if flag { "yes" } else { "no" })
        .join(" | ")
}
