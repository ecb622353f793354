//! `nongemm data`: what a dataset holds, and what of it can be used.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use nongemm_core::plugin::{Dataset, Modality, Plugins, Sample, split_location};
use nongemm_core::record::Skipped;
use nongemm_core::run::Reader;
use serde::Serialize;

use crate::args::DataCheckArgs;
use crate::error::CliError;
use crate::terminal;

/// What was found of one kind of samples.
#[derive(Serialize)]
struct Found {
    dataset: String,
    kind: &'static str,
    usable: usize,
    skipped: Skipped,
    /// Smallest and largest value of each size.
    sizes: BTreeMap<String, [usize; 2]>,
}

/// Reads every item once.
pub(crate) fn check(args: &DataCheckArgs, plugins: &Plugins) -> Result<ExitCode, CliError> {
    let (id, path) = split_location(&args.dataset);
    let dataset = plugins.datasets.find(id).map_err(CliError::usage)?;
    let found = dataset.guard(|dataset| read_all(dataset, path, &args.dataset));
    let found = found.map_err(CliError::failed)?;
    let found = found.map_err(|e| CliError::usage(format!("dataset {}: {e:#}", args.dataset)))?;
    let text = match args.json {
        true => serde_json::to_string_pretty(&found).map_err(CliError::failed)? + "\n",
        false => found.iter().map(shown).collect(),
    };
    terminal::print(&text)?;
    match found.iter().find(|found| found.usable == 0) {
        None => Ok(ExitCode::SUCCESS),
        Some(found) => Err(CliError::usage(format!(
            "dataset {}: none of its {} items can be used",
            args.dataset, found.skipped.count
        ))),
    }
}

fn read_all(
    dataset: &'static dyn Dataset,
    path: Option<&Path>,
    named: &str,
) -> anyhow::Result<Vec<Found>> {
    let held = dataset.holds().iter();
    let found = held.map(|modality| {
        let reader = Reader::open(dataset, *modality, path)?;
        Ok(read(named, *modality, reader))
    });
    found.collect()
}

fn read(dataset: &str, modality: Modality, mut reader: Reader) -> Found {
    let mut found = Found {
        dataset: dataset.to_owned(),
        kind: modality.name(),
        usable: 0,
        skipped: Skipped::default(),
        sizes: BTreeMap::new(),
    };
    while let Some(sample) = reader.next_of_pass() {
        found.usable += 1;
        for (name, size) in sizes(&sample) {
            let range = found.sizes.entry(name).or_insert([size, size]);
            *range = [range[0].min(size), range[1].max(size)];
        }
    }
    found.skipped = reader.skipped().clone();
    found
}

fn sizes(sample: &Sample) -> Vec<(String, usize)> {
    match sample {
        Sample::Image(image) => vec![
            ("width in pixels".to_owned(), image.width),
            ("height in pixels".to_owned(), image.height),
        ],
        Sample::Text(text) => vec![
            ("characters".to_owned(), text.text.chars().count()),
            ("words".to_owned(), text.text.split_whitespace().count()),
        ],
        Sample::Tensors(tensors) => tensors
            .tensors
            .iter()
            .map(|(name, tensor)| {
                let spec = tensor.spec();
                (format!("elements of {name} as {spec}"), tensor.data().len())
            })
            .collect(),
    }
}

fn shown(found: &Found) -> String {
    let Found {
        dataset,
        kind,
        usable,
        skipped,
        sizes,
    } = found;
    let mut text = format!(
        "{dataset}: {usable} usable ({kind}), {} skipped\n",
        skipped.count
    );
    for (name, [least, most]) in sizes {
        text.push_str(&match least == most {
            true => format!("  {name}: {least}\n"),
            false => format!("  {name}: {least} to {most}\n"),
        });
    }
    for reason in &skipped.first {
        text.push_str(&format!("  skipped: {reason}\n"));
    }
    if skipped.count > skipped.first.len() {
        let more = skipped.count - skipped.first.len();
        text.push_str(&format!("  ... and {more} more\n"));
    }
    text
}
