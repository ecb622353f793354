//! Rows of token ids: one text in each row of a batch.

use anyhow::{Context, Result, bail};
use nongemm_core::plugin::{RequestedInput, Sample, Text};

use super::Tokenizer;

/// How many tokens further into a text the next row starts that has the same text again, where rows
/// outnumber texts. A prime, so that the starts stay different for as many rows as the text has tokens.
const STEP: usize = 97;

/// How many texts in a row may be without any token before that is an error.
const MOST_WITHOUT: usize = 1000;

/// The ids of a batch, row by row, and 1 for each that is no padding.
pub(crate) struct TokenRows {
    pub(crate) ids: Vec<i64>,
    pub(crate) mask: Vec<i64>,
}

impl Tokenizer {
    /// `count` rows of `length` ids: each a text of its own, cut off or padded at its end.
    ///
    /// # Errors
    /// When a sample is no text, an id is beyond the model's table, or there are no tokens in the texts.
    pub(crate) fn rows(
        &self,
        samples: &mut dyn Iterator<Item = Result<Sample>>,
        tokens: &RequestedInput,
        count: usize,
        length: usize,
    ) -> Result<TokenRows> {
        let mut rows = TokenRows {
            ids: Vec::with_capacity(count * length),
            mask: Vec::with_capacity(count * length),
        };
        let mut seen: Vec<String> = Vec::with_capacity(count);
        let mut without = 0;
        while seen.len() < count {
            let Text { name, text, .. } =
                match samples.next().context("the dataset holds no text")?? {
                    Sample::Text(text) => text,
                    other => bail!(
                        "`{}` holds {}; this model reads text",
                        other.name(),
                        other.modality().name()
                    ),
                };
            let earlier = seen.iter().filter(|before| **before == name).count();
            let encoded = self.encode(&text, earlier * STEP, length);
            let ids = encoded.with_context(|| format!("`{name}`"))?;
            if ids.is_empty() && without < MOST_WITHOUT {
                without += 1;
                continue;
            }
            let row = self.fill(ids, tokens, length);
            let row = row.with_context(|| format!("`{name}`"))?;
            rows.ids.extend(row.ids.iter().map(|&id| i64::from(id)));
            rows.mask
                .extend((0..length).map(|i| i64::from(i < row.kept)));
            without = 0;
            seen.push(name);
        }
        Ok(rows)
    }
}
