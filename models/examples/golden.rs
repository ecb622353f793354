//! Writes what the tests compare with (`models/tests/golden/`), as the reference implementation says:
//!
//! ```text
//! cargo run -p nongemm-models --example golden [-- --python PATH]
//! ```
//!
//! - `NAME.trace.txt`: the operators of a configuration, in order;
//! - `MODEL.params.txt`: the checkpoint entries of a small configuration;
//! - `totals.txt`: the number of parameters of every published configuration;
//! - `MODEL.safetensors`: outputs of a small configuration, for synthetic weights of seed 0.

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::Value;
use support::case::{Case, models};
use support::flow;
use support::golden;
use support::reference::{Reference, export, save};
use support::trace::Call;

fn main() -> anyhow::Result<()> {
    let reference = Reference::new(python()?)?;
    for case in Case::traced() {
        let calls: anyhow::Result<Vec<String>> = reference
            .trace(&case)?
            .iter()
            .map(|op| Ok(Call::recorded(op)?.line()))
            .collect();
        write(&format!("{}.trace.txt", case.name), &calls?)?;
    }
    for case in Case::small() {
        let params = reference.params(&case)?;
        let entries = params["entries"].as_array().context("no entries")?;
        let lines: Vec<String> = entries.iter().map(Value::to_string).collect();
        write(&format!("{}.params.txt", case.name), &lines)?;
        outputs(&reference, &case)?;
    }
    let mut totals = Vec::new();
    for id in models()? {
        let params = reference.params(&Case::full(id)?)?;
        totals.push(format!("{id} {}", params["trainable"]));
    }
    write("totals.txt", &totals)
}

fn python() -> anyhow::Result<Option<PathBuf>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(None),
        ["--python", path] => Ok(Some(path.into())),
        _ => bail!("usage: golden [--python PATH]"),
    }
}

fn write(name: &str, lines: &[String]) -> anyhow::Result<()> {
    Ok(fs::write(golden(name), lines.join("\n") + "\n")?)
}

fn outputs(reference: &Reference, case: &Case) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let graph = case.graph()?;
    let weights = flow::weights("synthetic:0")?;
    export(
        &graph,
        weights.as_ref(),
        &flow::inputs_of(case.model()?, &graph, case.batch)?,
        dir.path(),
    )?;
    let outputs = reference.run(case, dir.path())?;
    save(&outputs, &golden(&format!("{}.safetensors", case.name)))
}
