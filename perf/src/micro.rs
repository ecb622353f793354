//! Whether operators alone repeat: the same entries measured twice, one run after the other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nongemm_core::record::MicroRecord;
use nongemm_core::stats::median;

/// Medians that must repeat, as a share.
const TARGET: f64 = 0.95;

/// Operators that differ most, shown by name.
const WORST: usize = 10;

/// Runs `nongemm micro` twice with `args` and compares. An operator repeats where the two stated intervals
/// have a value in common.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("nongemm-perf-{}", std::process::id()));
    let compared = measure(args, &folder.join("a")).and_then(|first| {
        let second = measure(args, &folder.join("b"))?;
        ensure!(
            first.len() == second.len(),
            "the runs are not of the same backends"
        );
        for (first, second) in first.iter().zip(&second) {
            compare(first, second);
        }
        Ok(())
    });
    let removed = std::fs::remove_dir_all(&folder);
    compared?;
    removed.with_context(|| format!("cannot remove {}", folder.display()))
}

fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own.with_file_name("nongemm"))
}

fn measure(args: &[String], out: &Path) -> Result<Vec<MicroRecord>> {
    let mut command = Command::new(binary()?);
    command
        .arg("micro")
        .args(args)
        .arg("--json")
        .arg("--out")
        .arg(out);
    if !args.iter().any(|arg| arg.starts_with("--backend")) {
        command.args(["--backend", "candle"]);
    }
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("nongemm micro ended with {}", output.status))
}

/// Two measurements of one operator.
struct Pair<'a> {
    name: String,
    medians: [f64; 2],
    intervals: [&'a [f64; 2]; 2],
}

impl Pair<'_> {
    fn repeats(&self) -> bool {
        let [[a, b], [c, d]] = self.intervals;
        a <= d && c <= b
    }

    fn within(&self) -> bool {
        let [[low, high], _] = self.intervals;
        (low..=high).contains(&&self.medians[1])
    }

    fn ratio(&self) -> f64 {
        self.medians[1] / self.medians[0]
    }
}

fn compare(first: &MicroRecord, second: &MicroRecord) {
    let others: BTreeMap<String, _> = second
        .entries
        .iter()
        .map(|entry| (entry.call.key(), entry))
        .collect();
    for (what, cold) in [("hot", false), ("cold", true)] {
        let pairs: Vec<Pair<'_>> = first
            .entries
            .iter()
            .filter_map(|entry| {
                let key = entry.call.key();
                let times = [entry, others.get(&key)?].map(|entry| entry.outcome.times());
                let [a, b] = times.map(|times| match cold {
                    true => times?.cold.as_ref(),
                    false => Some(&times?.hot),
                });
                let (a, b) = (a?, b?);
                Some(Pair {
                    name: key,
                    medians: [a.median_ns, b.median_ns],
                    intervals: [&a.ci95_ns, &b.ci95_ns],
                })
            })
            .collect();
        show(&format!("{}, {what}", first.id), pairs);
    }
}

fn show(what: &str, mut pairs: Vec<Pair<'_>>) {
    let count = pairs.len();
    let share = |found: usize| found as f64 / count.max(1) as f64;
    let repeat = share(pairs.iter().filter(|pair| pair.repeats()).count());
    let within = share(pairs.iter().filter(|pair| pair.within()).count());
    let ratios: Vec<f64> = pairs.iter().map(Pair::ratio).collect();
    println!(
        "  {what}: of {count} medians {:.1}% repeat within the stated intervals (target {:.0}%), \
         {:.1}% lie in the first interval; median ratio {:.3}",
        100.0 * repeat,
        100.0 * TARGET,
        100.0 * within,
        median(&ratios).unwrap_or(f64::NAN)
    );
    pairs.retain(|pair| !pair.repeats());
    pairs.sort_by(|a, b| b.ratio().ln().abs().total_cmp(&a.ratio().ln().abs()));
    for pair in pairs.iter().take(WORST) {
        println!("    {:.3} {}", pair.ratio(), pair.name);
    }
}
