//! `nongemm registry list`: every entry, one line each.

use std::fmt::Write;

use nongemm_core::plugin::Plugins;
use nongemm_core::registry::Entry;

use super::source;
use crate::args::SelectArgs;
use crate::error::CliError;
use crate::terminal;

pub(super) fn run(args: &SelectArgs, plugins: &Plugins) -> Result<(), CliError> {
    let registry = source::select(&args.registry, args.filter.as_deref(), plugins)?;
    let mut text = String::new();
    if args.json {
        let entries: Vec<&Entry> = registry.iter().collect();
        text = serde_json::to_string_pretty(&entries).map_err(CliError::failed)?;
        text.push('\n');
    } else {
        for entry in registry.iter() {
            text.push_str(&line(entry));
        }
    }
    terminal::print(&text)
}

fn line(entry: &Entry) -> String {
    let inputs: Vec<String> = entry.inputs().iter().map(ToString::to_string).collect();
    let models: Vec<&str> = entry.models().into_iter().collect();
    let mut line = format!(
        "{:<14}  {}({})",
        entry.call.group.name(),
        entry.call.variant(),
        inputs.join(", ")
    );
    for (name, value) in &entry.call.instance.attrs {
        let _ = write!(line, " {name}={value}");
    }
    let _ = writeln!(line, "  [{}]", models.join(" "));
    line
}
