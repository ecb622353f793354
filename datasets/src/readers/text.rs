//! `text:PATH`: the paragraphs of a text file, or of the text files in a folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use nongemm_core::plugin::{Dataset, Modality, Sample, Samples, Text};
use nongemm_core::register;

use super::files::{entries, has_extension};
use super::lines::{LONGEST, Lines};

/// Paragraphs: lines up to an empty one. A folder's `.txt` files follow each other, sorted by name.
#[derive(Clone, Copy, Debug)]
pub struct TextFiles;

register!(dyn Dataset, &TextFiles);

impl Dataset for TextFiles {
    fn id(&self) -> &'static str {
        "text"
    }

    fn summary(&self) -> &'static str {
        "paragraphs of a text file, or of a folder's .txt files (text:PATH)"
    }

    fn holds(&self) -> &'static [Modality] {
        &[Modality::Text]
    }

    fn open(&self, _: Modality, path: Option<&Path>) -> Result<Samples> {
        let path = path.context("the `text` dataset needs a file or a folder: text:PATH")?;
        let files = match path.is_dir() {
            true => in_folder(path)?,
            false => vec![path.to_owned()],
        };
        // The first is opened here: a path that is not there is an error of its own.
        drop(Lines::open(&files[0])?);
        Ok(Box::new(files.into_iter().flat_map(|file| {
            let (paragraphs, error) = match Lines::open(&file) {
                Ok(lines) => (Some(Paragraphs { lines }), None),
                Err(error) => (None, Some(Err(error))),
            };
            error.into_iter().chain(paragraphs.into_iter().flatten())
        })))
    }
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = entries(folder)?;
    files.retain(|file| has_extension(file, &["txt"]) && file.is_file());
    if files.is_empty() {
        bail!("no .txt file in `{}`", folder.display());
    }
    Ok(files)
}

/// A passage without token ids: they are the tokenizer's.
pub(super) fn passage(name: String, text: String) -> Sample {
    Sample::Text(Text {
        name,
        text,
        ids: Default::default(),
    })
}

/// The paragraphs of a file.
struct Paragraphs {
    lines: Lines,
}

impl Iterator for Paragraphs {
    type Item = Result<Sample>;

    fn next(&mut self) -> Option<Self::Item> {
        let blank = |line: &Result<String>| line.as_ref().is_ok_and(|line| line.trim().is_empty());
        let (start, first) = self.lines.by_ref().find(|(_, line)| !blank(line))?;
        let name = self.lines.name_at(start);
        let mut text = first;
        // To its end, even if a line is wrong: what follows a bad line is not a paragraph of its own.
        let rest = self.lines.by_ref().map(|(_, line)| line);
        for line in rest.take_while(|line| !blank(line)) {
            text = text.and_then(|mut text| {
                text.push('\n');
                text.push_str(&line?);
                Ok(text)
            });
            if text.as_ref().is_ok_and(|text| text.len() > LONGEST) {
                text = Err(anyhow!("`{name}` is longer than {LONGEST} bytes"));
            }
        }
        Some(text.map(|text| passage(name, text)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn seen(samples: Samples) -> Vec<String> {
        samples
            .map(|sample| match sample {
                Ok(Sample::Text(text)) => format!("{}|{}", text.name, text.text),
                Ok(other) => panic!("{other:?}"),
                Err(error) => format!("{error:#}"),
            })
            .map(|line| line.rsplit('/').next().unwrap_or_default().to_owned())
            .collect()
    }

    #[test]
    fn paragraphs_of_all_files_and_what_is_wrong_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let long = vec![b'x'; 2 * LONGEST];
        let bad: &[&[u8]] = &[b"\n\na\r\nb\n \nc \xff d\ne\n\n", &long, b"\nf\n\ng"];
        fs::write(folder.path().join("b.txt"), bad.concat()).unwrap();
        fs::write(folder.path().join("a.TXT"), "one\n").unwrap();
        fs::write(folder.path().join("c.md"), "no").unwrap();
        let samples = TextFiles.open(Modality::Text, Some(folder.path())).unwrap();
        assert_eq!(
            seen(samples),
            [
                "a.TXT:1|one",
                "b.txt:3|a\nb",
                "b.txt:6` is not valid UTF-8",
                "b.txt:9` is longer than 1048576 bytes",
                "b.txt:12|g"
            ]
        );
    }

    #[test]
    fn nothing_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = |path: &Path| {
            let opened = TextFiles.open(Modality::Text, Some(path)).map(|_| ());
            opened.unwrap_err().to_string()
        };
        assert!(error(folder.path()).starts_with("no .txt file in `"));
        assert!(error(&folder.path().join("x.txt")).starts_with("cannot read `"));
    }
}
