//! The groups of a run against the machine's measured ceilings.

use nongemm_core::record::{Profile, RunRecord};

use super::page::{Page, Style};
use super::table::{Align, Table, plain};
use crate::format::{percent, time};
use crate::roofline::{self, Roof};

/// The table, where ceilings were measured.
pub(super) fn table(page: &mut Page, run: &RunRecord, profile: &Profile) {
    let Ok(roof) = Roof::of(run) else {
        return;
    };
    page.blank();
    page.wrapped((Style::Plain, ""), 0, Style::Plain, &roof.about());
    let columns = [
        ("group", Align::Left),
        ("time", Align::Right),
        ("compute", Align::Right),
        ("memory", Align::Right),
        ("overhead", Align::Right),
        ("at roofline", Align::Right),
        ("headroom", Align::Right),
    ];
    let mut table = Table::new(&columns, 0);
    for group in roofline::groups(run, profile, &roof) {
        let share = |ns: f64| match group.ns > 0.0 {
            true => plain(percent(ns / group.ns)),
            false => plain("-"),
        };
        table.row(vec![
            plain(&group.name),
            plain(time(group.ns)),
            share(group.compute_ns),
            share(group.memory_ns),
            share(group.overhead_ns),
            plain(time(group.roof_ns)),
            plain(
                group
                    .headroom()
                    .map_or_else(|| "-".to_owned(), |x| format!("×{x:.1}")),
            ),
        ]);
    }
    table.write(page);
}
