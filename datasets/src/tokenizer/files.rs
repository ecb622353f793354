//! Which files a tokenizer is, and building it from them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use tokenizers::models::bpe::BPE;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{AddedToken, Tokenizer};

/// The most bytes that a tokenizer's file may have; those of large vocabularies have 40 MB.
const LARGEST: u64 = 256 << 20;

/// A tokenizer and the id that it pads with.
pub(super) struct Found {
    pub(super) inner: Tokenizer,
    pub(super) pad: u32,
}

/// Whether a folder holds a tokenizer.
pub(super) fn has_tokenizer(folder: &Path) -> bool {
    locate(folder).is_some()
}

enum Files {
    /// The library's own format: everything in one file.
    Whole(PathBuf),
    /// GPT-2's: tokens with their ids, and the pairs that are merged.
    Merges(PathBuf, PathBuf),
    /// BERT's: a token on each line.
    Words(PathBuf),
    /// SentencePiece's own.
    Pieces(PathBuf),
}

fn locate(folder: &Path) -> Option<Files> {
    let there = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    let merges = || Some(Files::Merges(there("vocab.json")?, there("merges.txt")?));
    let whole = there("tokenizer.json").map(Files::Whole);
    let words = || there("vocab.txt").map(Files::Words);
    let pieces = || there("tokenizer.model").map(Files::Pieces);
    whole.or_else(merges).or_else(words).or_else(pieces)
}

/// Reads a tokenizer from a folder or one of its files.
///
/// # Errors
/// When there is none or it is damaged; one line that names the file.
pub(super) fn read(path: &Path) -> Result<Found> {
    let shown = path.display();
    let info = fs::metadata(path).with_context(|| format!("cannot read the tokenizer {shown}"))?;
    let (folder, files) = if info.is_dir() {
        let files = locate(path).with_context(|| {
            format!("{shown} holds no tokenizer.json, vocab.json with merges.txt, or vocab.txt")
        })?;
        (path, files)
    } else {
        let folder = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().and_then(|name| name.to_str());
        let files = match name.unwrap_or_default() {
            "merges.txt" => Files::Merges(folder.join("vocab.json"), path.to_owned()),
            "vocab.json" => Files::Merges(path.to_owned(), folder.join("merges.txt")),
            name if name.ends_with(".txt") => Files::Words(path.to_owned()),
            name if name.ends_with(".model") => Files::Pieces(path.to_owned()),
            _ => Files::Whole(path.to_owned()),
        };
        (folder, files)
    };
    let config = config(folder)?;
    let inner = match &files {
        Files::Whole(file) => whole(file),
        Files::Merges(vocabulary, merges) => byte_pairs(vocabulary, merges),
        Files::Words(file) => words(file, &config),
        Files::Pieces(file) => bail!(
            "{} is SentencePiece's own format, which is not read; convert it to tokenizer.json \
             (transformers' `save_pretrained` writes one)",
            file.display()
        ),
    }?;
    let pad = padding(&inner, &config);
    Ok(Found { inner, pad })
}

/// `tokenizer_config.json`, empty where there is none.
fn config(folder: &Path) -> Result<Value> {
    let file = folder.join("tokenizer_config.json");
    if !file.is_file() {
        return Ok(Value::Null);
    }
    let bytes = bytes(&file)?;
    serde_json::from_slice(&bytes).with_context(|| format!("cannot read {}", file.display()))
}

/// The id of padding: the tokenizer's own, else that of the end of a text, as is usual for models without one.
fn padding(tokenizer: &Tokenizer, config: &Value) -> u32 {
    if let Some(padding) = tokenizer.get_padding() {
        return padding.pad_id;
    }
    let named = ["pad_token", "eos_token"].into_iter().filter_map(|key| {
        let token = &config[key];
        token.as_str().or_else(|| token["content"].as_str())
    });
    let usual = ["[PAD]", "<pad>", "<|endoftext|>", "</s>"];
    let ids = named
        .chain(usual)
        .filter_map(|token| tokenizer.token_to_id(token));
    ids.take(1).next().unwrap_or(0)
}

fn bytes(file: &Path) -> Result<Vec<u8>> {
    let shown = file.display();
    let info = fs::metadata(file).with_context(|| format!("cannot read the tokenizer {shown}"))?;
    ensure!(info.is_file(), "the tokenizer {shown} is not a file");
    ensure!(
        info.len() <= LARGEST,
        "the tokenizer {shown} has {} bytes; at most {} MiB are read",
        info.len(),
        LARGEST >> 20
    );
    fs::read(file).with_context(|| format!("cannot read the tokenizer {shown}"))
}

/// The first line of what the library says of a file.
fn damaged(file: &Path, error: &dyn std::fmt::Display) -> anyhow::Error {
    let error = error.to_string();
    let line = error.lines().next().unwrap_or_default();
    anyhow!("{} is no tokenizer: {line}", file.display())
}

fn whole(file: &Path) -> Result<Tokenizer> {
    Tokenizer::from_bytes(bytes(file)?).map_err(|e| damaged(file, &e))
}

/// GPT-2's: pairs of bytes, no special tokens around a text.
fn byte_pairs(vocabulary: &Path, merges: &Path) -> Result<Tokenizer> {
    let [v, m] = [vocabulary, merges].map(|path| (bytes(path), path.to_str()));
    let (Ok(v), Ok(m)) = (v.0.map(|_| v.1), m.0.map(|_| m.1)) else {
        bail!(
            "a tokenizer of byte pairs needs both {} and {}",
            vocabulary.display(),
            merges.display()
        );
    };
    let (v, m) = v.zip(m).context("the tokenizer's path is not UTF-8")?;
    let model = BPE::from_file(v, m)
        .build()
        .map_err(|e| damaged(vocabulary, &e))?;
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
    tokenizer.with_decoder(Some(ByteLevel::default()));
    special(tokenizer, vocabulary, &["<|endoftext|>"])
}

/// BERT's: words and their pieces, `[CLS]` before and `[SEP]` after a text.
fn words(file: &Path, config: &Value) -> Result<Tokenizer> {
    let path = file.to_str().context("the tokenizer's path is not UTF-8")?;
    bytes(file)?;
    let model = WordPiece::from_file(path)
        .unk_token("[UNK]".to_owned())
        .build()
        .map_err(|e| damaged(file, &e))?;
    let lower = config["do_lower_case"].as_bool().unwrap_or(true);
    let chinese = config["tokenize_chinese_chars"].as_bool().unwrap_or(true);
    let accents = config["strip_accents"].as_bool();
    let mut tokenizer = Tokenizer::new(model);
    tokenizer
        .with_normalizer(Some(BertNormalizer::new(true, chinese, accents, lower)))
        .map_err(|e| damaged(file, &e))?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    let id = |token: &str| {
        let id = tokenizer.token_to_id(token);
        let id = id.with_context(|| format!("{} has no token {token}", file.display()))?;
        Ok::<_, anyhow::Error>((token.to_owned(), id))
    };
    let framed = BertProcessing::new(id("[SEP]")?, id("[CLS]")?);
    id("[UNK]")?;
    tokenizer.with_post_processor(Some(framed));
    special(
        tokenizer,
        file,
        &["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
    )
}

/// Marks tokens that are never split, those of them that there are.
fn special(mut tokenizer: Tokenizer, file: &Path, tokens: &[&str]) -> Result<Tokenizer> {
    let known = tokens
        .iter()
        .filter(|token| tokenizer.token_to_id(token).is_some());
    let known: Vec<AddedToken> = known.map(|token| AddedToken::from(*token, true)).collect();
    tokenizer
        .add_special_tokens(known)
        .map_err(|e| damaged(file, &e))?;
    Ok(tokenizer)
}
