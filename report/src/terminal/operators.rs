//! The non-GEMM operators that cost most.

use nongemm_core::record::{Profile, RunRecord};

use super::page::{Page, Style};
use super::table::{Align, Cell, Table, plain};
use crate::format::{percent, time};
use crate::hotspots::{self, Hotspot};
use crate::text::shortened;

/// Operators that are shown.
const SHOWN: usize = 10;

/// Columns from which on there is room for the time of one call.
const ROOMY: usize = 100;

/// Columns from which on there is room for the group and long names.
const WIDE: usize = 120;

/// The ten most expensive operators, equal calls added up, and how much of the time they take.
pub(super) fn table(page: &mut Page, run: &RunRecord, profile: &Profile) {
    let spots = hotspots::non_gemm(profile);
    if spots.is_empty() {
        return;
    }
    let wall = profile.timeline().wall_median_ns;
    let share = |ns: f64| if wall > 0.0 { ns / wall } else { 0.0 };
    let layout = Layout {
        wide: page.width() >= WIDE,
        roomy: page.width() >= ROOMY,
        narrow: page.is_narrow(),
        device: profile.device.is_some(),
    };
    page.blank();
    let shown = &spots[..spots.len().min(SHOWN)];
    let together: f64 = shown.iter().map(|spot| spot.ns).sum();
    let title = match spots.len() {
        1..=SHOWN => "All non-GEMM operators".to_owned(),
        all => format!("The top {SHOWN} of {all} non-GEMM operators"),
    };
    let note = format!(" ({} of the time)", percent(share(together)));
    page.line(&[(Style::Bold, &title), (Style::Dim, &note)]);
    let columns = layout.columns();
    let mut table = Table::new(&columns, if layout.narrow { 0 } else { layout.inputs() });
    for spot in shown {
        table.row(layout.row(spot, run, share(spot.ns)));
        if layout.narrow {
            let mut cells = vec![(Style::Dim, format!("  {}", inputs(spot, run)))];
            cells.resize(columns.len(), plain(""));
            table.row(cells);
        }
    }
    table.write(page);
}

/// Which columns there are.
struct Layout {
    wide: bool,
    roomy: bool,
    /// Shapes get a line of their own.
    narrow: bool,
    /// The device has a clock of its own: host times are apart.
    device: bool,
}

impl Layout {
    /// Position of the column of inputs.
    fn inputs(&self) -> usize {
        if self.wide { 2 } else { 1 }
    }

    fn columns(&self) -> Vec<(&'static str, Align)> {
        let mut columns = vec![("operator", Align::Left)];
        if self.wide {
            columns.push(("group", Align::Left));
        }
        if !self.narrow {
            columns.push(("inputs", Align::Left));
        }
        columns.push(("calls", Align::Right));
        if self.device {
            columns.push(("host", Align::Right));
        }
        columns.push((if self.device { "device" } else { "total" }, Align::Right));
        if self.roomy {
            columns.push(("each", Align::Right));
        }
        columns.push(("share", Align::Right));
        columns
    }

    fn row(&self, spot: &Hotspot<'_>, run: &RunRecord, share: f64) -> Vec<Cell> {
        let colour = Style::Group(Some(spot.group));
        let name = match spot.parts {
            Some(1) => format!("{} (1 part)", spot.name),
            Some(parts) => format!("{} ({parts} parts)", spot.name),
            None => spot.name.to_owned(),
        };
        let mut cells = vec![(
            colour,
            shortened(&name, if self.wide { 48 } else { 28 }).into_owned(),
        )];
        if self.wide {
            cells.push(plain(spot.group.name()));
        }
        if !self.narrow {
            cells.push(plain(inputs(spot, run)));
        }
        cells.push(plain(spot.calls.to_string()));
        if self.device {
            cells.push(plain(time(spot.host_ns)));
        }
        cells.push(plain(time(spot.ns)));
        if self.roomy {
            cells.push(plain(time(spot.ns / spot.calls as f64)));
        }
        cells.push(plain(percent(share)));
        cells
    }
}

/// Shapes of the inputs, then attributes.
fn inputs(spot: &Hotspot<'_>, run: &RunRecord) -> String {
    let shapes = hotspots::shapes(spot.inputs, run.spec.dtype);
    let attrs = hotspots::attrs(spot.attrs, spot.name);
    format!("{shapes} {attrs}").trim().to_owned()
}
