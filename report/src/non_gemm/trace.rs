//! Traces: the non-GEMM operators of an inference in the order of execution, by domain.

use std::collections::BTreeMap;
use std::io::{self, Write};

use nongemm_core::record::{Profile, RunRecord};

use super::is_non_gemm;

/// The longest stretch that is looked for as a repetition: one layer of a model.
const LONGEST: usize = 400;

pub(super) fn write(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let mut domains: BTreeMap<&str, Vec<(&RunRecord, &Profile)>> = BTreeMap::new();
    for run in runs {
        if let (Some(model), Some(profile)) = (&run.model, &run.profile) {
            domains
                .entry(model.domain.name())
                .or_default()
                .push((run, profile));
        }
    }
    writeln!(out, "\n## Traces")?;
    for (domain, runs) in domains {
        writeln!(out, "\n### {domain}\n")?;
        for (run, profile) in runs {
            let rows = profile.ops.iter().filter(|row| is_non_gemm(row.group));
            let names: Vec<&str> = rows.map(|row| row.op.as_str()).collect();
            writeln!(out, "- {}: {} calls: {}", run.id, names.len(), fold(&names))?;
        }
    }
    Ok(())
}

/// The names in order, stretches that follow each other several times written once.
fn fold(names: &[&str]) -> String {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < names.len() {
        let rest = &names[at..];
        let (period, times) = repetition(rest);
        let stretch = &rest[..period];
        parts.push(match (period, times) {
            (_, 1) => stretch.join(", "),
            (1, _) => format!("{times} × {}", stretch[0]),
            _ => format!("{times} × ({})", fold(stretch)),
        });
        at += period * times;
    }
    parts.join(", ")
}

/// The stretch at the start that covers most by following itself, and how often it does.
fn repetition(names: &[&str]) -> (usize, usize) {
    let mut best = (1, 1);
    for period in 1..=LONGEST.min(names.len() / 2) {
        let stretches = names.chunks_exact(period);
        let times = stretches
            .take_while(|stretch| *stretch == &names[..period])
            .count();
        if times > 1 && period * times > best.0 * best.1 {
            best = (period, times);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn layers_are_written_once() {
        let names = |text: &'static str| text.split(' ').collect::<Vec<_>>();
        assert_eq!(fold(&names("a b c b c b c d")), "a, 3 × (b, c), d");
        assert_eq!(fold(&names("a a a b")), "3 × a, b");
        assert_eq!(fold(&names("a b b c a b b c")), "2 × (a, 2 × b, c)");
        assert_eq!(fold(&[]), "");
    }
}
