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
    for what in ["most expensive", "non-GEMM"] {
        let rows = || replication.rows.iter().filter(|row| row.what == what);
        if rows().next().is_some() {
            page.blank();
            page.line(&[(Style::Bold, title(what))]);
            table(&mut page, rows());
        }
    }
    page.finish()
}

fn title(what: &str) -> &'static str {
    match what {
        "non-GEMM" => "non-GEMM operators, share of the time",
        _ => "most expensive non-GEMM group, share of the time",
    }
}

fn table<'a>(page: &mut Page, rows: impl Iterator<Item = &'a Row>) {
    let columns = [
        ("model", Align::Left),
        ("batch", Align::Right),
        ("paper", Align::Left),
        ("measured", Align::Left),
        ("", Align::Left),
        ("where the run differs", Align::Left),
    ];
    let mut table = Table::new(&columns, columns.len() - 1);
    for row in rows {
        let verdict = match row.verdict {
            "agrees" => plain("agrees"),
            other => (Style::Warning, other.to_owned()),
        };
        table.row(vec![
            plain(&row.model),
            plain(&row.batch),
            plain(&row.paper),
            plain(&row.measured),
            verdict,
            plain(&row.differs),
        ]);
    }
    table.write(page);
}
