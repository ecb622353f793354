//! The reporter `terminal`: what a person reads first.
//!
//! One run: what ran, its latency, how the time divides, the groups, the operators that cost most,
//! whether the sums close, what disturbed it, and warnings last, where the eye is. Several runs: a
//! table of all, what rewriting changed where runs differ in that, then each. In a folder it is `report.txt`.

mod chart;
pub(crate) mod conditions;
mod groups;
pub(crate) mod headline;
mod levels;
mod micro;
mod operators;
pub(crate) mod page;
pub(crate) mod replication;
mod roofline;
mod summary;
pub(crate) mod table;
pub(crate) mod warnings;

use std::collections::BTreeSet;

use nongemm_core::plugin::{ReportTarget, Reporter, Terminal};
use nongemm_core::record::{Energy, RunRecord, Status};
use nongemm_core::register;

pub use self::micro::micro_table;
use self::page::{Page, Style};
use crate::breakdown::Breakdown;
use crate::output;

/// Writes tables and bars for a terminal 60 to 160 columns wide.
pub struct TerminalReporter;

register!(dyn Reporter, &TerminalReporter);

/// How a report in a folder looks.
pub(crate) const FILE: Terminal = Terminal {
    width: 100,
    colour: false,
};

impl Reporter for TerminalReporter {
    fn id(&self) -> &'static str {
        "terminal"
    }

    fn summary(&self) -> &'static str {
        "tables and bars for people: latency, GEMM and non-GEMM shares, operators, warnings"
    }

    fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()> {
        let terminal = match target {
            ReportTarget::Stream(_, terminal) => *terminal,
            ReportTarget::Folder(_) => FILE,
        };
        let text = text(runs, terminal);
        output::document(target, "report.txt", |out| out.write_all(text.as_bytes()))
    }
}

fn text(runs: &[RunRecord], terminal: Terminal) -> String {
    let mut page = Page::new(terminal);
    match runs {
        [] => page.line(&[(Style::Plain, "no runs")]),
        [run] => details(&mut page, run, true),
        _ => {
            summary::table(&mut page, runs);
            levels::tables(&mut page, runs);
            let mut told = BTreeSet::new();
            for run in runs {
                page.blank();
                page.rule();
                details(&mut page, run, is_news(run, &mut told));
            }
        }
    }
    page.finish()
}

/// Whether what a run says of energy was not said before: why there is none is said once.
fn is_news<'r>(run: &'r RunRecord, told: &mut BTreeSet<&'r str>) -> bool {
    match &run.energy {
        Some(Energy::Unavailable { unavailable }) => told.insert(unavailable),
        _ => true,
    }
}

fn details(page: &mut Page, run: &RunRecord, with_energy: bool) {
    if run.status == Status::Failed {
        headline::failure(page, run);
        return;
    }
    headline::what(page, run);
    page.blank();
    headline::latency(page, run);
    if let Some(breakdown) = Breakdown::of(run) {
        page.blank();
        groups::shares(page, &breakdown);
        page.blank();
        groups::table(page, run, &breakdown);
    }
    if let Some(profile) = &run.profile {
        operators::table(page, run, profile);
        roofline::table(page, run, profile);
        page.blank();
        conditions::closure(page, profile);
    }
    conditions::machine(page, run, with_energy);
    warnings::list(page, run);
}
