//! Writes what the tests compare with (`models/tests/golden/`), as the reference implementation says:
//!
//! ```text
//! cargo run -p nongemm-models --example golden [-- --only MODEL] [--python PATH]
//! ```
//!
//! - `NAME.trace.txt`: the operators of a configuration, in order;
//! - `NAME.profile.txt`: how often PyTorch's own profiler sees each of them;
//! - `MODEL.params.txt`: the checkpoint entries of a small configuration;
//! - `totals.txt`: the number of parameters of every published configuration;
//! - `MODEL.safetensors`: outputs of a small configuration, for synthetic weights of seed 0.
//!
//! With `--only`, the files of one model, and the lines of `totals.txt` that are missing.

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::Value;
use support::case::{Case, model, models};
use support::flow;
use support::golden;
use support::reference::{Reference, export, save};
use support::trace::Call;

fn main() -> anyhow::Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let reference = Reference::new(options.python.clone())?;
    for case in Case::traced()?.iter().filter(|case| options.wants(case)) {
        let calls: anyhow::Result<Vec<String>> = reference
            .trace(case)?
            .iter()
            .map(|op| Ok(Call::recorded(op)?.line()))
            .collect();
        write(&format!("{}.trace.txt", case.name), &calls?)?;
        let counts = reference.profile(case, exported(case)?.path())?;
        write(&format!("{}.profile.txt", case.name), &counts)?;
    }
    for case in Case::small().iter().filter(|case| options.wants(case)) {
        let params = reference.params(case)?;
        let entries = params["entries"].as_array().context("no entries")?;
        let lines: Vec<String> = entries.iter().map(Value::to_string).collect();
        write(&format!("{}.params.txt", case.name), &lines)?;
    }
    for case in Case::compared()?.iter().filter(|case| options.wants(case)) {
        outputs(&reference, case)?;
    }
    totals(&reference, &options)
}

/// The line of every registered model. With `--only`, the lines of others are kept where there are any.
fn totals(reference: &Reference, options: &Options) -> anyhow::Result<()> {
    let known = fs::read_to_string(golden("totals.txt")).unwrap_or_default();
    let mut lines = Vec::new();
    for id in models()? {
        let of = |line: &&str| line.split(' ').next() == Some(id);
        let kept = known.lines().find(of);
        lines.push(match kept {
            Some(line) if options.only.as_deref().is_some_and(|only| only != id) => line.to_owned(),
            _ => {
                let params = reference.params(&Case::full(id)?)?;
                format!("{id} {}", params["trainable"])
            }
        });
    }
    write("totals.txt", &lines)
}

#[derive(Default)]
struct Options {
    /// The model whose files are written; all if there is none.
    only: Option<String>,
    python: Option<PathBuf>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut options = Options::default();
        while let Some(flag) = args.next() {
            match (flag.as_str(), args.next()) {
                ("--only", Some(id)) => options.only = Some(model(&id)?.id().to_owned()),
                ("--python", Some(path)) => options.python = Some(path.into()),
                _ => bail!("usage: golden [--only MODEL] [--python PATH]"),
            }
        }
        Ok(options)
    }

    fn wants(&self, case: &Case) -> bool {
        self.only.as_ref().is_none_or(|id| *id == case.model)
    }
}

fn write(name: &str, lines: &[String]) -> anyhow::Result<()> {
    Ok(fs::write(golden(name), lines.join("\n") + "\n")?)
}

fn outputs(reference: &Reference, case: &Case) -> anyhow::Result<()> {
    let outputs = reference.run(case, exported(case)?.path())?;
    save(&outputs, &golden(&format!("{}.safetensors", case.name)))
}

/// A folder with synthetic weights and inputs.
fn exported(case: &Case) -> anyhow::Result<tempfile::TempDir> {
    let dir = tempfile::tempdir()?;
    let graph = case.graph()?;
    let weights = flow::weights("synthetic:0")?;
    let inputs = flow::inputs_of(case.model()?, &graph, case.batch)?;
    export(&graph, weights.as_ref(), &inputs, dir.path())?;
    Ok(dir)
}
