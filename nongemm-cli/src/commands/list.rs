//! `nongemm list`: what this binary knows.

use std::process::ExitCode;

use nongemm_core::plugin::Plugin;
use nongemm_core::plugin::Plugins;
use serde_json::{Value, json};

use super::support;
use crate::args::{ListArgs, ListKind};
use crate::error::CliError;
use crate::terminal;

/// Runs the command.
pub(crate) fn run(args: &ListArgs, plugins: &mut Plugins) -> Result<ExitCode, CliError> {
    args.described.register(plugins)?;
    if args.support && args.kind != ListKind::Operators {
        return Err(CliError::usage("--support goes with `list operators`"));
    }
    let rows = match args.support {
        true => support::rows(plugins),
        false => rows(args.kind, plugins),
    };
    let mut text = String::new();
    if args.json {
        let values: Vec<&Value> = rows.iter().collect();
        text = serde_json::to_string_pretty(&values).map_err(CliError::failed)?;
        text.push('\n');
    } else if args.support {
        text = support::markdown(&rows);
    } else {
        let cells = |row: &Value| -> Vec<String> {
            let object = row.as_object().into_iter().flatten();
            object.map(|(_, value)| cell(value)).collect()
        };
        let table: Vec<Vec<String>> = rows.iter().map(cells).collect();
        for line in align(&table) {
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    terminal::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn align(table: &[Vec<String>]) -> Vec<String> {
    let columns = table.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| {
        let cells = table.iter().filter_map(|row| row.get(c));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    table
        .iter()
        .map(|row| {
            let cells = row.iter().zip(&widths);
            cells
                .map(|(cell, width)| format!("{cell:width$}  "))
                .collect()
        })
        .collect()
}

fn rows(kind: ListKind, plugins: &Plugins) -> Vec<Value> {
    match kind {
        ListKind::Models => plugins
            .models
            .iter()
            .map(|entry| {
                let model = entry.plugin;
                let provenance = model.provenance();
                json!({
                    "id": model.id(),
                    "domain": model.domain().name(),
                    "checkpoint": provenance.checkpoint,
                    "reference": provenance.reference,
                    "crate": entry.krate,
                })
            })
            .collect(),
        ListKind::Backends => summaries(plugins.backends.iter(), |p| p.summary()),
        ListKind::Probes => summaries(plugins.probes.iter(), |p| p.summary()),
        ListKind::Datasets => summaries(plugins.datasets.iter(), |p| p.summary()),
        ListKind::Reporters => summaries(plugins.reporters.iter(), |p| p.summary()),
        ListKind::Classifiers => plugins
            .classifiers
            .iter()
            .map(|entry| json!({ "id": entry.plugin.id(), "crate": entry.krate }))
            .collect(),
        ListKind::Weights => summaries(plugins.weights.iter(), |p| p.summary()),
        ListKind::Exporters => summaries(plugins.exporters.iter(), |p| p.summary()),
        ListKind::Presets => summaries(plugins.presets.iter(), |p| p.summary()),
        ListKind::Formats => summaries(plugins.formats.iter(), |p| p.summary()),
        ListKind::Operators => operators(plugins),
    }
}

fn summaries<T: ?Sized + Plugin + 'static>(
    entries: impl Iterator<Item = &'static nongemm_core::plugin::Registered<T>>,
    summary: impl Fn(&'static T) -> &'static str,
) -> Vec<Value> {
    entries
        .map(|entry| {
            json!({
                "id": entry.plugin.plugin_id(),
                "summary": summary(entry.plugin),
                "crate": entry.krate,
            })
        })
        .collect()
}

/// Every operator with its group and the backends that have a kernel for its cases.
fn operators(plugins: &Plugins) -> Vec<Value> {
    let cases = plugins.ops.cases();
    plugins
        .ops
        .iter()
        .map(|(name, entry)| {
            let own: Vec<_> = cases.iter().filter(|case| case.op.name() == name).collect();
            let group = own.first().map(|case| case.op.group().name());
            let backends: Vec<&str> = plugins
                .backends
                .iter()
                .filter(|backend| {
                    own.iter().any(|case| {
                        let inputs: Vec<_> = case.inputs.iter().map(|i| i.spec.clone()).collect();
                        backend.plugin.has_kernel(case.op.as_ref(), &inputs)
                    })
                })
                .map(|backend| backend.plugin.id())
                .collect();
            json!({
                "id": name,
                "group": group,
                "kernels": backends.join(","),
                "crate": entry.krate,
            })
        })
        .collect()
}
