//! A comparison on a terminal.

use nongemm_core::op::OpGroup;
use nongemm_core::plugin::Terminal;

use super::{OPERATORS, calls, name, point, relative, rule, signed, summary, tally, verdict};
use crate::compare::{Change, Comparison, Pair, Part, ProfileChange, Side, Verdict};
use crate::format::time;
use crate::terminal::page::{Page, Style};
use crate::terminal::table::{Align, Table, plain};
use crate::text::shortened;

/// The comparison as lines of text.
pub fn terminal(comparison: &Comparison, terminal: Terminal) -> String {
    let mut page = Page::new(terminal);
    let style = match comparison.has_regressed() {
        true => Style::Failure,
        false => Style::Bold,
    };
    page.wrapped((style, ""), 0, style, &summary(comparison));
    page.wrapped((Style::Dim, ""), 0, Style::Dim, &rule(comparison));
    unpaired(&mut page, "only in BASE", &comparison.only_base);
    unpaired(&mut page, "only in NEW", &comparison.only_new);
    for each in &comparison.pairs {
        page.blank();
        page.rule();
        pair(&mut page, each);
    }
    page.finish()
}

fn unpaired(page: &mut Page, label: &str, ids: &[String]) {
    if !ids.is_empty() {
        page.labelled(label, &ids.join(", "));
    }
}

fn pair(page: &mut Page, pair: &Pair) {
    let (model, point) = point(pair);
    page.wrapped(
        (Style::Bold, ""),
        0,
        Style::Bold,
        &format!("{model} · {point}"),
    );
    for difference in &pair.differences {
        let text = format!(
            "{}: {} → {}",
            difference.what, difference.base, difference.new
        );
        page.wrapped((Style::Warning, "differs"), 14, Style::Warning, &text);
    }
    for note in &pair.notes {
        page.wrapped((Style::Warning, "!"), 2, Style::Warning, note);
    }
    for (label, side) in [("BASE failed", &pair.base), ("NEW failed", &pair.new)] {
        failure(page, label, side);
    }
    if let (Some(change), Some(base), Some(new)) =
        (&pair.latency, pair.base.latency_ns, pair.new.latency_ns)
    {
        let text = format!("{} → {}, {}", time(base), time(new), relative(change));
        let verdict = change.verdict.name();
        page.wrapped(
            (Style::Bold, "Latency"),
            14,
            style(Some(change)),
            &format!("{text}: {verdict}"),
        );
        page.aside("", &records(pair));
    }
    if let Some(profile) = &pair.profile {
        parts(page, profile);
    }
}

fn records(pair: &Pair) -> String {
    format!(
        "{} of BASE, {} of NEW; p = {:.2}, for all runs together {:.2}",
        crate::format::plural(pair.base.records, "record"),
        crate::format::plural(pair.new.records, "record"),
        pair.latency.map_or(1.0, |change| change.p),
        pair.latency.map_or(1.0, |change| change.p_adjusted),
    )
}

fn failure(page: &mut Page, label: &str, side: &Side) {
    if side.failed > 0 {
        let error = side.error.as_deref().unwrap_or("no reason was recorded");
        let error: Vec<&str> = error.split_whitespace().collect();
        let text = format!("{} of {}: {}", side.failed, side.records, error.join(" "));
        page.wrapped((Style::Failure, label), 14, Style::Plain, &text);
    }
}

fn style(change: Option<&Change>) -> Style {
    match change.map(|change| change.verdict) {
        Some(Verdict::Slower) => Style::Failure,
        Some(Verdict::Faster) => Style::Bold,
        Some(Verdict::Same) => Style::Plain,
        Some(Verdict::Unclear) | None => Style::Dim,
    }
}

fn parts(page: &mut Page, profile: &ProfileChange) {
    page.labelled(
        "Instrumented",
        &format!(
            "{} → {}, {}",
            time(profile.base_ns),
            time(profile.new_ns),
            signed(profile.difference_ns)
        ),
    );
    page.blank();
    table(page, "group", &profile.groups);
    page.blank();
    table(page, "operator, equal calls added up", &profile.kinds);
    let left = profile.kinds.len().saturating_sub(OPERATORS);
    if left > 0 {
        let rest: f64 = profile.kinds[OPERATORS..]
            .iter()
            .map(|p| p.difference_ns)
            .sum();
        page.aside("", &format!("{left} more, {} together", signed(rest)));
    }
    page.aside("One by one", &tally(&profile.operators));
}

fn table(page: &mut Page, title: &str, parts: &[Part]) {
    let wide = page.width() >= 100;
    let mut columns = vec![(title, Align::Left)];
    if wide {
        columns.extend([
            ("calls", Align::Right),
            ("BASE", Align::Right),
            ("NEW", Align::Right),
        ]);
    }
    columns.extend([
        ("difference", Align::Right),
        ("change, 95% CI", Align::Right),
        ("", Align::Left),
    ]);
    let mut table = Table::new(&columns, 0);
    for part in parts.iter().take(OPERATORS) {
        let group = part.group.as_ref().unwrap_or(&part.name);
        let group = OpGroup::ALL.into_iter().find(|known| known.name() == group);
        let shown = shortened(&name(part), 60).into_owned();
        let mut row = vec![(Style::Group(group), shown)];
        if wide {
            row.extend([
                plain(calls(part)),
                plain(time(part.base_ns)),
                plain(time(part.new_ns)),
            ]);
        }
        let change = part.change.as_ref();
        row.push(plain(signed(part.difference_ns)));
        row.push((style(change), change.map_or_else(String::new, relative)));
        row.push((style(change), verdict(part).to_owned()));
        table.row(row);
    }
    table.write(page);
}
