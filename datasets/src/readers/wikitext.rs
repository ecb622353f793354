//! `wikitext:PATH`: WikiText, as text files or as the hub's Parquet files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use nongemm_core::plugin::{Dataset, Modality, Sample, Samples};
use nongemm_core::register;

use super::files::{entries, has_extension};
use super::lines::Lines;
use super::table::TextColumn;
use super::text::passage;

/// One line of the corpus, which is a paragraph or a heading, is one passage. Lines without text, a third
/// of the corpus, are skipped.
///
/// PATH is a file (`wiki.test.raw`, `test-00000-of-00001.parquet`), or a folder of such files: those of the
/// test set where names tell, else all, sorted by name.
#[derive(Clone, Copy, Debug)]
pub struct WikiText;

register!(dyn Dataset, &WikiText);

impl Dataset for WikiText {
    fn id(&self) -> &'static str {
        "wikitext"
    }

    fn summary(&self) -> &'static str {
        "WikiText: raw text or the hub's Parquet files (wikitext:PATH, a file or a folder)"
    }

    fn holds(&self) -> &'static [Modality] {
        &[Modality::Text]
    }

    fn open(&self, _: Modality, path: Option<&Path>) -> Result<Samples> {
        let path =
            path.context("the `wikitext` dataset needs a file or a folder: wikitext:PATH")?;
        let mut files = match path.is_dir() {
            true => in_folder(path)?,
            false => vec![path.to_owned()],
        }
        .into_iter();
        // The first is opened here: a path that is not there is an error of its own.
        let first = files.next().map(|file| passages(&file)).transpose()?;
        let rest = files.flat_map(|file| match passages(&file) {
            Ok(passages) => passages,
            Err(error) => Box::new(std::iter::once(Err(error))),
        });
        Ok(Box::new(first.into_iter().flatten().chain(rest)))
    }
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = entries(folder)?;
    files
        .retain(|file| has_extension(file, &["parquet", "raw", "tokens", "txt"]) && file.is_file());
    if files.is_empty() {
        bail!(
            "no .parquet, .raw, .tokens or .txt file in `{}`",
            folder.display()
        );
    }
    let is_test = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.contains("test"))
    };
    if files.iter().any(is_test) {
        files.retain(is_test);
    }
    Ok(files)
}

/// The passages of one file.
fn passages(file: &Path) -> Result<Samples> {
    if has_extension(file, &["parquet"]) {
        let name = file.display().to_string();
        let rows = TextColumn::open(file)?;
        let named =
            move |(row, text): (usize, Result<String>)| checked(format!("{name}:{row}"), text?);
        return Ok(Box::new((1..).zip(rows).map(named)));
    }
    let mut lines = Lines::open(file)?;
    Ok(Box::new(std::iter::from_fn(move || {
        let (number, line) = lines.next()?;
        Some(line.and_then(|line| checked(lines.name_at(number), line)))
    })))
}

fn checked(name: String, text: String) -> Result<Sample> {
    ensure!(!text.trim().is_empty(), "`{name}` is empty");
    Ok(passage(name, text))
}
