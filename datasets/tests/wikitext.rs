//! WikiText: text files, and Parquet files as the hub has them (`fixtures/wikitext.parquet`, written by
//! pyarrow with Snappy in row groups of four).
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};

use nongemm_core::plugin::{Dataset, Modality, Sample};
use nongemm_datasets::WikiText;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// Texts, and what is wrong with the others, without folders.
fn read(path: &Path) -> anyhow::Result<Vec<String>> {
    let samples = WikiText.open(Modality::Text, Some(path))?;
    let shown = |sample: anyhow::Result<Sample>| match sample {
        Ok(Sample::Text(text)) => text.text,
        Ok(other) => panic!("{other:?}"),
        Err(error) => {
            let message = format!("{error:#}");
            message.rsplit('/').next().unwrap_or_default().to_owned()
        }
    };
    Ok(samples.map(shown).collect())
}

#[test]
fn both_forms_give_the_same_passages() {
    let table = read(&fixture("wikitext.parquet")).unwrap();
    let text = read(&fixture("wiki.test.raw")).unwrap();
    assert_eq!(table.len(), 10);
    let usable = |lines: &[String]| -> Vec<String> {
        lines
            .iter()
            .filter(|line| !line.contains("` "))
            .cloned()
            .collect()
    };
    assert_eq!(usable(&table), usable(&text));
    assert_eq!(usable(&text).len(), 6);
    assert_eq!(text[1], " = Robert Boulter = ");
    assert_eq!(text[0], "wiki.test.raw:1` is empty");
    assert_eq!(table[7], "wikitext.parquet:8` has no value");
}

#[test]
fn damaged_tables_are_errors() {
    let whole = std::fs::read(fixture("wikitext.parquet")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.parquet");
    std::panic::set_hook(Box::new(|_| {}));
    for end in (0..whole.len()).step_by(13) {
        std::fs::write(&file, &whole[..end]).unwrap();
        let message = format!("{:#}", read(&file).unwrap_err());
        assert!(
            message.contains("x.parquet` is no Parquet file"),
            "{message}"
        );
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    for index in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[index] ^= 0x55;
        std::fs::write(&file, &bytes).unwrap();
        let _ = read(&file);
    }
    let _ = std::panic::take_hook();
}

#[test]
fn a_table_without_text_and_an_empty_folder_are_errors() {
    let message = read(&fixture("other.parquet")).unwrap_err().to_string();
    assert!(
        message.ends_with("other.parquet` has no column `text`"),
        "{message}"
    );
    let folder = tempfile::tempdir().unwrap();
    let message = read(folder.path()).unwrap_err().to_string();
    assert!(
        message.starts_with("no .parquet, .raw, .tokens or .txt file in"),
        "{message}"
    );
}
