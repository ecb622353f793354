//! Tokenizers: published ones, by Hugging Face's library.

mod files;
mod rows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, bail, ensure};
use nongemm_core::plugin::{Companions, RequestedInput};
use tokenizers::{Encoding, PostProcessor, TruncationDirection};

/// A tokenizer from files.
pub(crate) struct Tokenizer {
    /// The file or folder that it was read from, for messages.
    name: String,
    inner: tokenizers::Tokenizer,
    /// The id that fills what a text leaves of its row.
    pad: u32,
    /// The largest id of the vocabulary, without tokens that were added to it.
    largest: u32,
}

/// The tokenizer that the user named, else the one that comes with the weights, if one does.
///
/// # Errors
/// When it cannot be read; one line that names the file.
pub(crate) fn find(companions: &Companions) -> Result<Option<Arc<Tokenizer>>> {
    if let Some(named) = &companions.tokenizer {
        return open(named).map(Some);
    }
    match &companions.folder {
        Some(folder) if files::has_tokenizer(folder) => open(folder).map(Some),
        _ => Ok(None),
    }
}

/// Opens a tokenizer, once in a process.
fn open(path: &Path) -> Result<Arc<Tokenizer>> {
    static OPENED: Mutex<BTreeMap<PathBuf, Arc<Tokenizer>>> = Mutex::new(BTreeMap::new());
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(tokenizer) = opened.get(path) {
        return Ok(tokenizer.clone());
    }
    let tokenizer = Arc::new(Tokenizer::read(path)?);
    opened.insert(path.to_owned(), tokenizer.clone());
    Ok(tokenizer)
}

impl Tokenizer {
    fn read(path: &Path) -> Result<Self> {
        let files::Found { mut inner, pad } = files::read(path)?;
        // Rows say themselves how long they are.
        inner.with_padding(None);
        let plain = inner.with_truncation(None).map(|_| ());
        plain.map_err(|e| anyhow!("tokenizer {}: {e}", path.display()))?;
        let largest = inner.get_vocab(false).into_values().max();
        Ok(Tokenizer {
            name: path.display().to_string(),
            largest: largest.with_context(|| {
                format!("the tokenizer {} has an empty vocabulary", path.display())
            })?,
            inner,
            pad,
        })
    }

    /// How records call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Checks that the model's table has a row for each token of the vocabulary.
    ///
    /// # Errors
    /// When it has not.
    pub(crate) fn check(&self, tokens: &RequestedInput) -> Result<()> {
        match tokens.below {
            Some(rows) if self.largest as usize >= rows => self.beyond(self.largest, rows),
            _ => Ok(()),
        }
    }

    fn beyond(&self, id: u32, rows: usize) -> Result<()> {
        bail!(
            "the tokenizer {} has the id {id}, but the model's table has {rows} rows; it is another \
             model's",
            self.name
        )
    }

    /// The ids of a text, with the special tokens of the model, at most `length` of them: what is too long is
    /// cut off at its end, before special tokens. `skip` tokens of the text are left out at its start, counted
    /// round its end.
    fn encode(&self, text: &str, skip: usize, length: usize) -> Result<Vec<u32>> {
        let failed = |e| anyhow!("the tokenizer {} cannot encode it: {e}", self.name);
        let mut encoding = self.inner.encode(text, false).map_err(failed)?;
        if skip > 0 && !encoding.is_empty() {
            let start = encoding.get_offsets()[skip % encoding.len()].0;
            let rest = text.get(start..).unwrap_or(text);
            encoding = self.inner.encode(rest, false).map_err(failed)?;
        }
        self.frame(encoding, length).map_err(failed)
    }

    fn frame(&self, mut encoding: Encoding, length: usize) -> tokenizers::Result<Vec<u32>> {
        let processor = self.inner.get_post_processor();
        let special = processor.map_or(0, |processor| processor.added_tokens(false));
        if special > length {
            return Err(
                format!("a row of {length} has no room for {special} special tokens").into(),
            );
        }
        encoding.truncate(length - special, 0, TruncationDirection::Right);
        let framed = self.inner.post_process(encoding, None, true)?;
        Ok(framed.get_ids().to_vec())
    }

    /// Fills a row with padding, and says which of its ids are real.
    ///
    /// # Errors
    /// When an id is beyond the model's table.
    fn fill(&self, mut ids: Vec<u32>, tokens: &RequestedInput, length: usize) -> Result<TokenRow> {
        let kept = ids.len();
        ids.resize(length, self.pad);
        if let Some(rows) = tokens.below
            && let Some(&id) = ids.iter().find(|id| **id as usize >= rows)
        {
            self.beyond(id, rows)?;
        }
        ensure!(kept > 0, "it has no token");
        Ok(TokenRow { ids, kept })
    }
}

/// One row of a batch.
struct TokenRow {
    ids: Vec<u32>,
    /// How many of them are real, from the left.
    kept: usize,
}
