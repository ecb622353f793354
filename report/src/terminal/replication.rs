//! Measured shares beside the paper's.

use nongemm_core::plugin::Terminal;

use super::page::{Page, Style};
use super::table::{Align, Table, plain};
use crate::against::{Replication, Row};

/// The text; says so where there is nothing to compare.
pub(crate) fn text(replication: Option<&Replication>, terminal: Terminal) -> String {
    let mut page = Page::new(terminal);
    let Some(replication) = replication else {
        page.line(&[(
            Style::Plain,
            "none of these runs is of a model that the paper prints numbers of",
        )]);
        return page.finish();
    };
    page.wrapped((Style::Plain, ""), 0, Style::Plain, &replication.about);
    page.blank();
    for line in &replication.summary {
        page.wrapped((Style::Plain, "- "), 2, Style::Plain, line);
    }
    let notes = notes(replication);
    for what in ["most expensive", "non-GEMM"] {
        let rows = || replication.rows.iter().filter(|row| row.what == what);
        if rows().next().is_some() {
            page.blank();
            page.line(&[(Style::Bold, title(what))]);
            table(&mut page, rows(), &notes);
        }
    }
    if !notes.is_empty() {
        page.blank();
        page.line(&[(Style::Plain, "Where the run differs from the paper's:")]);
        for (index, note) in notes.iter().enumerate() {
            let mark = format!("{:>3}  ", index + 1);
            page.wrapped((Style::Dim, &mark), 5, Style::Plain, note);
        }
    }
    page.finish()
}

/// What differs, each text once: rows refer to them by number.
fn notes(replication: &Replication) -> Vec<&str> {
    let mut notes: Vec<&str> = Vec::new();
    for row in &replication.rows {
        if !row.differs.is_empty() && !notes.contains(&row.differs.as_str()) {
            notes.push(&row.differs);
        }
    }
    notes
}

fn title(what: &str) -> &'static str {
    match what {
        "non-GEMM" => "non-GEMM operators, share of the time",
        _ => "most expensive non-GEMM group, share of the time",
    }
}

fn table<'a>(page: &mut Page, rows: impl Iterator<Item = &'a Row>, notes: &[&str]) {
    let columns = [
        ("model", Align::Left),
        ("batch", Align::Right),
        ("paper", Align::Left),
        ("measured", Align::Left),
        ("", Align::Left),
        ("note", Align::Right),
    ];
    let mut table = Table::new(&columns, 3);
    for row in rows {
        let verdict = match row.verdict {
            "agrees" => plain("agrees"),
            other => (Style::Warning, other.to_owned()),
        };
        let note = notes.iter().position(|note| *note == row.differs);
        table.row(vec![
            plain(&row.model),
            plain(&row.batch),
            plain(&row.paper),
            plain(&row.measured),
            verdict,
            plain(note.map_or_else(String::new, |index| (index + 1).to_string())),
        ]);
    }
    table.write(page);
}
