//! Tokens of an expression.

use super::error::FilterError;

/// How a key is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Contains,
}

/// Comparisons by their spelling; a spelling that begins with another one is before it.
const COMPARISONS: [(&str, Comparison); 7] = [
    ("!=", Comparison::Unequal),
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
    ("~", Comparison::Contains),
];

impl Comparison {
    pub(super) fn text(self) -> &'static str {
        let found = COMPARISONS
            .iter()
            .find(|(_, comparison)| *comparison == self);
        found.map_or("", |(text, _)| text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word(String),
    Quoted(String),
    Comparison(Comparison),
    Open,
    Close,
    End,
}

/// A token and the byte at which it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: usize,
}

/// The tokens of an expression, `End` last.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let comparison = COMPARISONS
            .iter()
            .find(|(spelling, _)| rest.starts_with(spelling));
        let (kind, length) = match (first, comparison) {
            (_, Some((spelling, comparison))) => (Kind::Comparison(*comparison), spelling.len()),
            ('(', _) => (Kind::Open, 1),
            (')', _) => (Kind::Close, 1),
            ('"' | '\'', _) => quoted(text, at, first)?,
            _ => word(text, at)?,
        };
        tokens.push(Token { kind, at });
        at += length;
    }
    tokens.push(Token {
        kind: Kind::End,
        at: text.len(),
    });
    Ok(tokens)
}

fn quoted(text: &str, at: usize, quote: char) -> Result<(Kind, usize), FilterError> {
    let inside = &text[at + 1..];
    let end = inside.find(quote).ok_or_else(|| {
        FilterError::at(text, at, format!("the quote is not closed; add {quote}"))
    })?;
    Ok((Kind::Quoted(inside[..end].to_owned()), end + 2))
}

fn word(text: &str, at: usize) -> Result<(Kind, usize), FilterError> {
    let rest = &text[at..];
    let belongs = |c: char| c.is_alphanumeric() || "_-.:/*+".contains(c);
    let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    if length == 0 {
        let shown: String = rest.chars().take(1).collect();
        let message = format!("`{shown}` stands for nothing here; put values with it in quotes");
        return Err(FilterError::at(text, at, message));
    }
    Ok((Kind::Word(rest[..length].to_owned()), length))
}
