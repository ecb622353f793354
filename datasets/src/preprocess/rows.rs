//! Rows of token ids: which tokens of which passage stand in which row of a batch.

use anyhow::{Context, Result, bail};
use nongemm_core::plugin::{InputRequest, Sample, Text};

use crate::tokenizer;

/// How far into a passage the next row starts when rows outnumber passages. A prime, so that the
/// starts stay different for as many rounds as the passage has tokens.
const STEP: usize = 97;

/// Checks that texts become ids that the model's table has: by a tokenizer, or because they come with some.
///
/// # Errors
/// When they do not; one line.
pub(crate) fn check_tokenizer(
    first: &Sample,
    vocabulary: &str,
    request: &InputRequest,
) -> Result<()> {
    let tokens = request.input("input_ids");
    match (tokenizer::find(&request.companions)?, first, tokens) {
        (Some(tokenizer), _, Some(tokens)) => tokenizer.check(tokens),
        (None, Sample::Text(text), _) => ids_of(text, vocabulary).map(drop),
        _ => Ok(()),
    }
}

/// How records call what makes the ids.
pub(crate) fn describe(id: &str, vocabulary: &str, request: &InputRequest) -> String {
    match tokenizer::find(&request.companions) {
        Ok(Some(tokenizer)) => format!("{id}, tokenizer {}", tokenizer.name()),
        _ => format!("{id}, ids of {vocabulary} that come with the samples"),
    }
}

/// `count` rows of exactly `length` token ids.
///
/// Row `n` starts with the n-th passage. A passage that is too short goes on with the next one. When
/// a passage starts a row for the second time, that row begins [`STEP`] tokens further in, and so on,
/// so that the rows of a large batch differ. A dataset that ends is read again from its start.
///
/// # Errors
/// When a sample is not text or has no ids of this vocabulary, or there is no sample at all.
pub(crate) fn token_rows(
    samples: &mut dyn Iterator<Item = Result<Sample>>,
    vocabulary: &str,
    count: usize,
    length: usize,
) -> Result<Vec<Vec<u32>>> {
    let mut passages = Passages {
        samples,
        vocabulary,
        read: Vec::new(),
        ended: false,
    };
    let mut starts: Vec<String> = Vec::with_capacity(count);
    let mut rows = Vec::with_capacity(count);
    for first in 0..count {
        let (name, tokens) = passages.get(first)?;
        let earlier = starts.iter().filter(|start| *start == name).count();
        let mut row: Vec<u32> = tokens
            .iter()
            .copied()
            .skip(earlier * STEP % tokens.len())
            .collect();
        starts.push(name.clone());
        for next in first + 1.. {
            if row.len() >= length {
                break;
            }
            row.extend(&passages.get(next)?.1);
        }
        row.truncate(length);
        rows.push(row);
    }
    Ok(rows)
}

/// How many tokens of row `row` of `count` rows are real where the graph takes a mask of padding: all of the
/// first row's, and fewer from row to row, down to about half. As in a batch of prompts of different lengths.
pub(crate) fn kept(row: usize, count: usize, length: usize) -> usize {
    length - row * length / (2 * count.max(1))
}

/// The mask of padding: for each row as many ones as [`kept`] says, then zeros.
pub(crate) fn padding_mask(count: usize, length: usize) -> Vec<i64> {
    let row = |row| (0..length).map(move |i| i64::from(i < kept(row, count, length)));
    (0..count).flat_map(row).collect()
}

/// The passages of a dataset by position, read when first asked for.
struct Passages<'a> {
    samples: &'a mut dyn Iterator<Item = Result<Sample>>,
    vocabulary: &'a str,
    read: Vec<(String, Vec<u32>)>,
    ended: bool,
}

impl Passages<'_> {
    fn get(&mut self, index: usize) -> Result<&(String, Vec<u32>)> {
        while !self.ended && self.read.len() <= index {
            match self.samples.next() {
                Some(sample) => {
                    let passage = tokens_of(sample?, self.vocabulary)?;
                    self.read.push(passage);
                }
                None => self.ended = true,
            }
        }
        let wrapped = index % self.read.len().max(1);
        self.read.get(wrapped).context("the dataset holds no text")
    }
}

/// A passage's name and ids.
fn tokens_of(sample: Sample, vocabulary: &str) -> Result<(String, Vec<u32>)> {
    let Sample::Text(text) = sample else {
        bail!(
            "`{}` holds {}; this model reads text",
            sample.name(),
            sample.modality().name()
        );
    };
    let ids = ids_of(&text, vocabulary)?.to_owned();
    Ok((text.name, ids))
}

/// The ids that a text comes with.
fn ids_of<'t>(text: &'t Text, vocabulary: &str) -> Result<&'t [u32]> {
    let ids = text.ids.get(vocabulary).filter(|ids| !ids.is_empty());
    ids.map(Vec::as_slice).with_context(|| {
        format!(
            "`{}` has no token ids of the vocabulary `{vocabulary}`, and the weights come with no \
             tokenizer; name one with --set tokenizer=PATH",
            text.name
        )
    })
}

/// An id as the graph takes it.
///
/// Sample ids are real, but a model may be run with a smaller token table than its tokenizer's; ids
/// are then reduced modulo the table's rows. With the published table nothing changes.
pub(crate) fn within(id: u32, below: Option<usize>) -> i64 {
    match below {
        Some(rows) if rows > 0 => i64::from(id) % i64::try_from(rows).unwrap_or(i64::MAX),
        _ => i64::from(id),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A passage with the ids `from..to` of the vocabulary `v`.
    pub(crate) fn passage(name: &str, from: u32, to: u32) -> Result<Sample> {
        Ok(Sample::Text(Text {
            name: name.to_owned(),
            text: String::new(),
            ids: [("v".to_owned(), (from..to).collect())].into(),
        }))
    }

    fn rows(samples: Vec<Result<Sample>>, count: usize, length: usize) -> Result<Vec<Vec<u32>>> {
        token_rows(&mut samples.into_iter(), "v", count, length)
    }

    #[test]
    fn each_row_starts_with_its_own_passage_and_goes_on_with_the_next() {
        let samples = vec![
            passage("a", 0, 3),
            passage("b", 10, 12),
            passage("c", 20, 30),
        ];
        let expected = [[0, 1, 2, 10, 11, 20], [10, 11, 20, 21, 22, 23]];
        assert_eq!(rows(samples, 2, 6).unwrap(), expected);
    }

    #[test]
    fn a_dataset_that_ends_starts_again() {
        let samples = vec![passage("a", 0, 2), passage("b", 10, 12)];
        assert_eq!(rows(samples, 1, 5).unwrap(), [[0, 1, 10, 11, 0]]);
    }

    #[test]
    fn rows_differ_when_they_outnumber_the_passages() {
        let mut cycle = (0..).map(|i| {
            passage(
                if i % 2 == 0 { "a" } else { "b" },
                i % 2 * 1000,
                i % 2 * 1000 + 400,
            )
        });
        let rows = token_rows(&mut cycle, "v", 64, 8).unwrap();
        for (i, row) in rows.iter().enumerate() {
            assert_eq!(row.len(), 8);
            assert!(!rows[..i].contains(row), "row {i} repeats");
        }
        assert_eq!(rows[2][0], STEP as u32);
    }

    #[test]
    fn padded_rows_become_shorter() {
        assert_eq!(padding_mask(1, 3), [1, 1, 1]);
        assert_eq!(padding_mask(2, 4), [1, 1, 1, 1, 1, 1, 1, 0]);
        assert_eq!(
            [kept(0, 8, 128), kept(4, 8, 128), kept(7, 8, 128)],
            [128, 96, 72]
        );
    }

    #[test]
    fn no_text_other_vocabularies_and_errors_are_reported() {
        let message = |samples| format!("{:#}", rows(samples, 1, 4).unwrap_err());
        assert_eq!(message(vec![]), "the dataset holds no text");
        let without = message(vec![passage("a", 0, 0)]);
        assert!(without.starts_with("`a` has no token ids of the vocabulary `v`, and"));
        assert_eq!(message(vec![Err(anyhow::anyhow!("broken"))]), "broken");
    }

    #[test]
    fn small_tables_fold_ids_and_full_ones_do_not() {
        assert_eq!(within(1003, Some(100)), 3);
        assert_eq!(within(1003, Some(50257)), 1003);
        assert_eq!(within(1003, None), 1003);
    }
}
