//! `nongemm registry stats`: entries by group and by model.

use std::collections::{BTreeMap, BTreeSet};

use nongemm_core::op::OpGroup;
use nongemm_core::plugin::Plugins;
use nongemm_core::registry::OperatorRegistry;
use serde::Serialize;

use super::source;
use crate::args::SelectArgs;
use crate::error::CliError;
use crate::terminal;

/// Counts of one group.
#[derive(Default, Serialize)]
struct Group {
    entries: usize,
    operators: usize,
    variants: BTreeMap<String, usize>,
}

#[derive(Serialize)]
struct Stats {
    entries: usize,
    gemm: usize,
    non_gemm: usize,
    occurrences: usize,
    groups: BTreeMap<&'static str, Group>,
    models: BTreeMap<String, usize>,
}

pub(super) fn run(args: &SelectArgs, plugins: &Plugins) -> Result<(), CliError> {
    let registry = source::select(&args.registry, args.filter.as_deref(), plugins)?;
    let stats = stats(&registry);
    let text = if args.json {
        let mut text = serde_json::to_string_pretty(&stats).map_err(CliError::failed)?;
        text.push('\n');
        text
    } else {
        table(&stats)
    };
    terminal::print(&text)
}

fn stats(registry: &OperatorRegistry) -> Stats {
    let mut groups: BTreeMap<&'static str, Group> = BTreeMap::new();
    let mut operators: BTreeMap<&'static str, BTreeSet<&str>> = BTreeMap::new();
    let mut models: BTreeMap<String, usize> = BTreeMap::new();
    let (mut gemm, mut occurrences) = (0, 0);
    for entry in registry.iter() {
        let name = entry.call.group.name();
        let group = groups.entry(name).or_default();
        group.entries += 1;
        *group.variants.entry(entry.call.variant()).or_default() += 1;
        operators
            .entry(name)
            .or_default()
            .insert(&entry.call.instance.op);
        gemm += usize::from(entry.call.is_gemm());
        occurrences += entry.met.len();
        for model in entry.models() {
            *models.entry(model.to_owned()).or_default() += 1;
        }
    }
    for (name, names) in operators {
        groups.entry(name).or_default().operators = names.len();
    }
    Stats {
        entries: registry.len(),
        gemm,
        non_gemm: registry.len() - gemm,
        occurrences,
        groups,
        models,
    }
}

fn table(stats: &Stats) -> String {
    let mut text = format!(
        "{} entries: {} non-GEMM, {} GEMM; met in {} places\n\n{:<16}{:>8}{:>11}  variants\n",
        stats.entries,
        stats.non_gemm,
        stats.gemm,
        stats.occurrences,
        "group",
        "entries",
        "operators"
    );
    for group in OpGroup::ALL {
        let Some(row) = stats.groups.get(group.name()) else {
            continue;
        };
        let variants: Vec<String> = row
            .variants
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        text.push_str(&format!(
            "{:<16}{:>8}{:>11}  {}\n",
            group.name(),
            row.entries,
            row.operators,
            variants.join(", ")
        ));
    }
    text.push_str(&format!("\n{:<16}{:>8}\n", "model", "entries"));
    for (model, entries) in &stats.models {
        text.push_str(&format!("{model:<16}{entries:>8}\n"));
    }
    text
}
