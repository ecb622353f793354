//! A comparison as GitHub-flavoured Markdown, for pull requests.

use std::fmt::Write;

use super::{DOT, OPERATORS, calls, name, point, relative, rule, signed, summary, tally, verdict};
use crate::compare::{Comparison, Pair, Part, ProfileChange};
use crate::format::{NBSP, time};
use crate::text::{shortened, visible};

/// The longest name that is shown whole.
const LONGEST: usize = 200;

/// The comparison as Markdown.
pub fn markdown(comparison: &Comparison) -> String {
    let mut text = format!("### nongemm: {}\n\n", summary(comparison));
    if !comparison.pairs.is_empty() {
        text += "| run | BASE | NEW | change, 95% CI | |\n|---|--:|--:|--:|---|\n";
        for pair in &comparison.pairs {
            text += &row(pair);
        }
        text.push('\n');
    }
    let _ = writeln!(text, "<sub>{}</sub>\n", rule(comparison));
    for (label, ids) in [
        ("Only in BASE", &comparison.only_base),
        ("Only in NEW", &comparison.only_new),
    ] {
        if !ids.is_empty() {
            let ids: Vec<String> = ids.iter().map(|id| code(id)).collect();
            let _ = writeln!(text, "{label}: {}\n", ids.join(", "));
        }
    }
    for pair in &comparison.pairs {
        text += &details(pair);
    }
    text.replace(NBSP, " ")
}

/// Text that Markdown shows as it is: a code span, in which no markup, mention or reference works, fenced by more
/// backticks than it holds in a row. A bar would end the cell of a table.
fn code(text: &str) -> String {
    let text = visible(text).replace('|', "\\|");
    let text = shortened(&text, LONGEST);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match text.trim().is_empty() || text.starts_with('`') || text.ends_with('`') {
        true => format!("{fence} {text} {fence}"),
        false => format!("{fence}{text}{fence}"),
    }
}

fn run(pair: &Pair) -> String {
    let (model, point) = point(pair);
    code(&format!("{model}{DOT}{point}"))
}

fn row(pair: &Pair) -> String {
    let shown = |ns: Option<f64>| ns.map_or_else(|| "failed".to_owned(), time);
    let (base, new) = (shown(pair.base.latency_ns), shown(pair.new.latency_ns));
    let change = pair.latency.as_ref().map_or_else(String::new, relative);
    let verdict = match &pair.latency {
        _ if pair.is_broken() => "**fails**".to_owned(),
        Some(change) if pair.has_regressed() => format!("**{}**", change.verdict.name()),
        Some(change) => change.verdict.name().to_owned(),
        None => String::new(),
    };
    format!(
        "| {} | {base} | {new} | {change} | {verdict} |\n",
        run(pair)
    )
}

fn details(pair: &Pair) -> String {
    let mut text = format!("<details><summary>details</summary>\n\n{}\n\n", run(pair));
    for difference in &pair.differences {
        let (base, new) = (code(&difference.base), code(&difference.new));
        let _ = writeln!(
            text,
            "- differs: {}: {base} → {new}",
            code(&difference.what)
        );
    }
    for note in &pair.notes {
        let _ = writeln!(text, "- {note}");
    }
    for (label, side) in [("BASE", &pair.base), ("NEW", &pair.new)] {
        if let Some(error) = &side.error {
            let _ = writeln!(text, "- {label} failed: {}", code(error));
        }
    }
    text.push('\n');
    if let Some(profile) = &pair.profile {
        text += &parts(profile);
    }
    text + "</details>\n\n"
}

fn parts(profile: &ProfileChange) -> String {
    let (base, new) = (time(profile.base_ns), time(profile.new_ns));
    let difference = signed(profile.difference_ns);
    let mut text = format!("Instrumented run: {base} → {new}, {difference}\n\n");
    for (title, parts) in [("group", &profile.groups), ("operator", &profile.kinds)] {
        let _ = writeln!(
            text,
            "| {title} | calls | BASE | NEW | difference | change, 95% CI | |"
        );
        text += "|---|--:|--:|--:|--:|--:|---|\n";
        text.extend(parts.iter().take(OPERATORS).map(part));
        text.push('\n');
    }
    let left = profile.kinds.len().saturating_sub(OPERATORS);
    if left > 0 {
        let _ = writeln!(text, "{left} more operators are in the JSON.\n");
    }
    let _ = writeln!(text, "One by one: {}\n", tally(&profile.operators));
    text
}

fn part(part: &Part) -> String {
    format!(
        "| {} | {} | {} | {} | {} | {} | {} |\n",
        code(&name(part)),
        calls(part),
        time(part.base_ns),
        time(part.new_ns),
        signed(part.difference_ns),
        part.change.as_ref().map_or_else(String::new, relative),
        verdict(part)
    )
}
