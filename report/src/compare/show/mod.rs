//! Comparisons as something to read.

mod markdown;
mod terminal;

pub use markdown::markdown;
pub use terminal::terminal;

use std::io;

use super::{Change, Comparison, Pair, Part, Verdict};
use crate::format::{change, plural};
use crate::json::visible;

/// The comparison as a JSON document.
///
/// # Errors
/// None in practice: writing into memory does not fail.
pub fn json(comparison: &Comparison) -> io::Result<String> {
    let mut out = Vec::new();
    visible::write(comparison, &mut out)?;
    String::from_utf8(out).map_err(io::Error::other)
}

/// Operators that are shown of each run; all are in the JSON.
const OPERATORS: usize = 12;

/// Between the parts of a line.
const DOT: &str = " · ";

/// `3 runs compared: 1 slower, 2 same`.
fn summary(comparison: &Comparison) -> String {
    let mut counts: Vec<String> = Vec::new();
    let mut add = |count: usize, what: &str| {
        if count > 0 {
            counts.push(format!("{count} {what}"));
        }
    };
    let pairs = &comparison.pairs;
    for verdict in [
        Verdict::Slower,
        Verdict::Faster,
        Verdict::Same,
        Verdict::Unclear,
    ] {
        let with = pairs
            .iter()
            .filter(|pair| pair.latency.is_some_and(|change| change.verdict == verdict));
        add(with.count(), verdict.name());
    }
    let broken = pairs.iter().filter(|pair| pair.is_broken()).count();
    add(broken, "failing where BASE did not");
    let unjudged = pairs.iter().filter(|pair| pair.latency.is_none());
    add(
        unjudged.count()
            - pairs
                .iter()
                .filter(|p| p.latency.is_none() && p.is_broken())
                .count(),
        "without a result",
    );
    let compared = plural(pairs.len(), "run");
    match counts.is_empty() {
        true => format!("{compared} compared"),
        false => format!("{compared} compared: {}", counts.join(", ")),
    }
}

/// What "same" means here.
fn rule(comparison: &Comparison) -> String {
    let threshold = comparison.threshold * 100.0;
    format!(
        "slower and faster: by more than {threshold}% with 95% confidence; same: within {threshold}% with 95% \
         confidence; unclear: these runs do not say"
    )
}

/// What was run: `gpt2 · candle · cpu · f32 · batch 1 · seq 128`.
fn point(pair: &Pair) -> (String, String) {
    let spec = &pair.spec;
    let mut parts = vec![
        spec.backend.clone(),
        spec.device.to_string(),
        spec.dtype.to_string(),
        format!("batch {}", spec.batch),
    ];
    parts.extend(spec.seq.map(|seq| format!("seq {seq}")));
    parts.extend(spec.image.map(|side| format!("image {side}")));
    (spec.model.clone(), parts.join(DOT))
}

/// `+8.9% [+6.1%, +11.2%]`; a change of more than double as a factor.
fn relative(of: &Change) -> String {
    let one = |ratio: f64| match ratio {
        r if !r.is_finite() => "-".to_owned(),
        r if r >= 2.0 => format!("×{}", crate::format::significant(r, 3)),
        r => change(r - 1.0),
    };
    let ratio = of.ratio.map_or_else(|| "-".to_owned(), one);
    match of.ci95 {
        Some([low, high]) => format!("{ratio} [{}, {}]", one(low), one(high)),
        None => ratio,
    }
}

/// What a part's change comes to.
fn verdict(part: &Part) -> &'static str {
    match (&part.change, part.base_ns > 0.0) {
        (Some(change), _) => change.verdict.name(),
        (None, true) => "only in BASE",
        (None, false) => "only in NEW",
    }
}

/// `softmax [1, 12, 128, 128]`.
fn name(part: &Part) -> String {
    let shapes = part.shapes.as_deref().unwrap_or_default();
    format!("{} {shapes}", part.name).trim_end().to_owned()
}

/// How many calls: `12`, or `12 → 6`.
fn calls(part: &Part) -> String {
    match part.calls {
        [base, new] if base == new => base.to_string(),
        [base, new] => format!("{base}→{new}"),
    }
}

/// A signed time: `+33.50 ms`.
fn signed(ns: f64) -> String {
    let text = crate::format::time(ns);
    let is_nothing = text.starts_with("0\u{a0}") || text.starts_with("-0\u{a0}");
    match ns > 0.0 && !is_nothing {
        true => format!("+{text}"),
        false => text
            .trim_start_matches(if is_nothing { "-" } else { "" })
            .to_owned(),
    }
}

/// Operators that were judged one by one, by verdict: `3 slower, 10 same, 90 unclear`.
fn tally(parts: &[Part]) -> String {
    let mut counts: Vec<(&str, usize)> = [
        "slower",
        "faster",
        "same",
        "unclear",
        "only in BASE",
        "only in NEW",
    ]
    .map(|name| (name, 0))
    .to_vec();
    for part in parts {
        if let Some(entry) = counts.iter_mut().find(|(name, _)| *name == verdict(part)) {
            entry.1 += 1;
        }
    }
    let counts = counts.iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    counts.join(", ")
}
