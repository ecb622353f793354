//! A table with one row for each of several runs.

use nongemm_core::record::{RunRecord, RunSpec, Status};

use super::page::{Page, Style};
use super::table::{Align, Cell, Table, plain};
use super::warnings;
use crate::breakdown::Breakdown;
use crate::format::{half_width, percent, time};
use crate::text::shortened;

/// The longest name of a model (it can be a path) that is shown whole.
const LONGEST_MODEL: usize = 32;

/// A part of the specification: its title and its value.
type Field = (&'static str, fn(&RunSpec) -> String);

/// What is shown where the runs differ in it.
const FIELDS: [Field; 6] = [
    ("device", |spec| spec.device.to_string()),
    ("dtype", |spec| spec.dtype.to_string()),
    ("batch", |spec| spec.batch.to_string()),
    ("seq", |spec| optional(spec.seq)),
    ("image", |spec| optional(spec.image)),
    ("threads", |spec| spec.threads.to_string()),
];

fn optional(value: Option<usize>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Writes the table.
pub(super) fn table(page: &mut Page, runs: &[RunRecord]) {
    let differs = |(_, value): &&Field| {
        let mut values = runs.iter().map(|run| value(&run.spec));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let fields: Vec<&Field> = FIELDS.iter().filter(differs).collect();
    let wide = !page.is_narrow();
    let mixed = runs
        .iter()
        .any(|run| Breakdown::of(run).is_some_and(|b| b.mixed().count > 0));

    let warned = runs.iter().any(|run| !warnings::of(run).is_empty());
    let mut columns = Vec::new();
    if warned {
        columns.push(("", Align::Left));
    }
    columns.push(("model", Align::Left));
    columns.push(("backend", Align::Left));
    columns.extend(fields.iter().map(|(title, _)| (*title, Align::Right)));
    columns.push(("latency", Align::Right));
    columns.push(("±95%", Align::Right));
    columns.push(("GEMM", Align::Right));
    if mixed {
        columns.push(("mixed", Align::Right));
    }
    if wide {
        columns.push(("non-GEMM", Align::Right));
    }
    columns.push(("top non-GEMM", Align::Left));
    columns.push(("", Align::Right));
    let mut table = Table::new(&columns, columns.len() - 2);
    for run in runs {
        let mut cells = Vec::with_capacity(columns.len());
        if warned {
            cells.push(mark(run));
        }
        cells.push(plain(shortened(&run.spec.model, LONGEST_MODEL)));
        cells.push(plain(shortened(&run.spec.backend, LONGEST_MODEL)));
        cells.extend(fields.iter().map(|(_, value)| plain(value(&run.spec))));
        cells.extend(latency(run));
        cells.extend(shares(run, mixed, wide));
        table.row(cells);
    }
    let failed = runs
        .iter()
        .filter(|run| run.status == Status::Failed)
        .count();
    let note = match failed {
        0 => String::new(),
        _ => format!(", {failed} failed"),
    };
    page.line(&[
        (Style::Bold, &format!("{} runs", runs.len())),
        (Style::Failure, &note),
    ]);
    table.write(page);
    if warned {
        page.line(&[(Style::Warning, "  ! has warnings, see below")]);
    }
}

/// `!` for a run with warnings.
fn mark(run: &RunRecord) -> Cell {
    match warnings::of(run).is_empty() {
        true => plain(""),
        false => (Style::Warning, "!".to_owned()),
    }
}

fn latency(run: &RunRecord) -> [Cell; 2] {
    match &run.latency {
        _ if run.status == Status::Failed => [(Style::Failure, "failed".to_owned()), plain("")],
        None => [plain("-"), plain("")],
        Some(latency) => [
            plain(time(latency.median_ns)),
            plain(half_width(latency.ci95_ns, latency.median_ns)),
        ],
    }
}

fn shares(run: &RunRecord, mixed: bool, wide: bool) -> Vec<Cell> {
    let breakdown = Breakdown::of(run).filter(|_| run.status == Status::Ok);
    let share = |of: &dyn Fn(&Breakdown<'_>) -> f64| {
        plain(
            breakdown
                .as_ref()
                .map_or_else(|| "-".to_owned(), |b| percent(of(b))),
        )
    };
    let mut cells = vec![share(&|b| b.gemm().share)];
    if mixed {
        cells.push(share(&|b| b.mixed().share));
    }
    if wide {
        cells.push(share(&|b| b.non_gemm().share));
    }
    match breakdown.as_ref().and_then(Breakdown::top_non_gemm) {
        Some(top) => {
            cells.push((Style::Group(top.group), top.name.to_owned()));
            cells.push(plain(percent(top.time.share)));
        }
        None => cells.extend([plain("-"), plain("")]),
    }
    cells
}
