//! `nongemm list operators --support`: how each backend runs each operator, as a table in Markdown.

use std::collections::BTreeSet;

use nongemm_core::graph::CompositePolicy;
use nongemm_core::op::OpCase;
use nongemm_core::plugin::{Backend, Plugins, Support, support};
use serde_json::json;

/// One row for each operator: `id`, `group`, then each backend. A cell holds more than one word where it depends
/// on attributes or types.
pub(super) fn rows(plugins: &Plugins) -> Vec<serde_json::Value> {
    let cases = plugins.ops.cases();
    let row = |name: &str| {
        let own: Vec<&OpCase> = cases.iter().filter(|case| case.op.name() == name).collect();
        let mut row = serde_json::Map::new();
        row.insert("id".to_owned(), json!(name));
        let group = own.first().map(|case| case.op.group().name());
        row.insert("group".to_owned(), json!(group));
        for entry in plugins.backends.iter() {
            let ways: BTreeSet<Support> = own.iter().map(|case| how(entry.plugin, case)).collect();
            let words: Vec<&str> = ways.into_iter().map(Support::name).collect();
            row.insert(entry.plugin.id().to_owned(), json!(words.join(", ")));
        }
        serde_json::Value::Object(row)
    };
    plugins.ops.iter().map(|(name, _)| row(name)).collect()
}

/// The rows as Markdown, columns aligned.
pub(super) fn markdown(rows: &[serde_json::Value]) -> String {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
    let objects = || rows.iter().filter_map(serde_json::Value::as_object);
    let head: Vec<String> = objects()
        .next()
        .map_or_else(Vec::new, |row| row.keys().cloned().collect());
    let body = objects().map(|row| row.values().map(text).collect::<Vec<_>>());
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|column| {
            lines
                .iter()
                .map(|line| line[column].len())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        out += &format!("| {} |\n", cells.join(" | "));
        if number == 0 {
            let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            out += &format!("| {} |\n", rules.join(" | "));
        }
    }
    out
}

fn how(backend: &dyn Backend, case: &OpCase) -> Support {
    case.graph().map_or(Support::Missing, |graph| {
        support(backend, &graph, CompositePolicy::Fused)
    })
}
