//! Projections as something to read.

use std::io;

use nongemm_core::op::OpGroup;
use nongemm_core::plugin::Terminal;

use super::{Projected, Projection, Projections, Speedup, Target};
use crate::format::{interval, percent, significant, time};
use crate::json::visible;
use crate::terminal::page::{Page, Style};
use crate::terminal::table::{Align, Table, plain};

/// The projections as lines of text.
pub fn terminal(projections: &Projections, terminal: Terminal) -> String {
    let mut page = Page::new(terminal);
    let speedups: Vec<String> = projections.speedups.iter().map(speedup).collect();
    page.wrapped(
        (Style::Bold, ""),
        0,
        Style::Bold,
        &format!("With {}:", speedups.join(", ")),
    );
    if !projections.without.is_empty() {
        page.labelled("No breakdown", &projections.without.join(", "));
    }
    for run in &projections.runs {
        page.blank();
        one(&mut page, run);
    }
    page.finish()
}

/// The projections as a JSON document.
///
/// # Errors
/// None in practice: writing into memory does not fail.
pub fn json(projections: &Projections) -> io::Result<String> {
    let mut out = Vec::new();
    visible::write(projections, &mut out)?;
    String::from_utf8(out).map_err(io::Error::other)
}

fn speedup(speedup: &Speedup) -> String {
    let name = match &speedup.target {
        Target::Group(name) => name.clone(),
        Target::Op(name) => format!("operator {name}"),
    };
    format!("{name} {}", times(speedup.factor))
}

/// `×2.5`.
fn times(factor: f64) -> String {
    format!("×{}", significant(factor, 3))
}

fn one(page: &mut Page, run: &Projection) {
    let spec = &run.spec;
    let point = format!(
        "{} · {} · {} · {} · batch {}",
        spec.model, spec.backend, spec.device, spec.dtype, spec.batch
    );
    page.wrapped((Style::Bold, ""), 0, Style::Bold, &point);
    page.labelled(
        "Measured",
        &format!("{}, 95% CI {}", time(run.latency_ns), interval(run.ci95_ns)),
    );
    page.labelled("Projected", &projected(&run.projected));
    page.labelled("Limit", &projected(&run.limit));
    for note in &run.notes {
        page.wrapped((Style::Warning, "!"), 2, Style::Warning, note);
    }
    let columns = [
        ("group", Align::Left),
        ("share", Align::Right),
        ("projected", Align::Right),
        ("time", Align::Right),
    ];
    let mut table = Table::new(&columns, 0);
    for group in &run.groups {
        let known = OpGroup::ALL
            .into_iter()
            .find(|known| known.name() == group.name);
        table.row(vec![
            (Style::Group(known), group.name.clone()),
            plain(percent(group.share)),
            plain(percent(group.projected_share)),
            plain(time(group.projected_ns)),
        ]);
    }
    table.write(page);
}

fn projected(projected: &Projected) -> String {
    let speedup = projected
        .speedup
        .map_or_else(|| "no time at all".to_owned(), times);
    let (ns, ci) = (time(projected.ns), interval(projected.ci95_ns));
    format!("{ns}, 95% CI {ci}, {speedup}")
}
