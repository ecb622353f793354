//! Stacked bars: one for each run, in clusters, as in Figures 5 to 8 of the NonGEMM Bench paper.

use std::collections::BTreeMap;

use nongemm_core::record::{RunRecord, UNATTRIBUTED};

use super::canvas::{Anchor, Canvas, FAINT, INK, width};
use super::{Figure, file_name};
use crate::format::percent;
use crate::label;
use crate::palette;

/// Height of a bar that stands for the whole time.
const TALL: f64 = 220.0;
/// Width of a bar and of the space to the next.
const BAR: f64 = 20.0;
const STEP: f64 = 26.0;
/// Space between clusters.
const GAP: f64 = 18.0;
/// Space for the axis on the left.
const LEFT: f64 = 54.0;
/// Sizes of letters.
const SMALL: f64 = 10.0;
const MEDIUM: f64 = 12.0;

/// Bars that stand together: a name, and runs with their labels.
struct Cluster<'a> {
    name: String,
    bars: Vec<(String, &'a RunRecord)>,
}

/// One figure for each flow, its runs clustered by model.
pub(super) fn by_backend(runs: &[RunRecord]) -> Vec<Figure> {
    let mut backends: BTreeMap<&str, Vec<&RunRecord>> = BTreeMap::new();
    for run in runs.iter().filter(|run| !run.groups.is_empty()) {
        backends.entry(&run.spec.backend).or_default().push(run);
    }
    let figures = backends.into_iter().map(|(backend, runs)| {
        let parts = label::differing(&runs, &["model", "flow"]);
        let named = |run: &RunRecord| (run.spec.model.clone(), label::of(run, &parts));
        Figure {
            name: format!("groups-{}", file_name(backend)),
            svg: draw(&format!("Time by group, {backend}"), &cluster(&runs, named)),
        }
    });
    figures.collect()
}

/// Runs that differ only in their flow side by side; `None` where there are none.
pub(super) fn flows(runs: &[RunRecord]) -> Option<Figure> {
    let runs: Vec<&RunRecord> = runs.iter().filter(|run| !run.groups.is_empty()).collect();
    let parts = label::differing(&runs, &["model", "flow", "settings"]);
    let mut clusters = cluster(&runs, |run| {
        let rest = label::of(run, &parts);
        let name = format!("{} {rest}", run.spec.model);
        (name.trim().to_owned(), run.spec.backend.clone())
    });
    clusters.retain(|cluster| {
        let mut names = cluster.bars.iter().map(|(name, _)| name);
        let first = names.next();
        names.any(|name| Some(name) != first)
    });
    (!clusters.is_empty()).then(|| Figure {
        name: "flows".to_owned(),
        svg: draw("Time by group, flows side by side", &clusters),
    })
}

/// What is drawn where there is nothing to draw.
pub(super) fn empty() -> Figure {
    let mut canvas = Canvas::new(420.0, 60.0);
    canvas.text(
        [16.0, 36.0],
        MEDIUM,
        Anchor::Start,
        0.0,
        "no run has an operator breakdown",
    );
    Figure {
        name: "groups".to_owned(),
        svg: canvas.finish(),
    }
}

fn cluster<'a>(
    runs: &[&'a RunRecord],
    named: impl Fn(&RunRecord) -> (String, String),
) -> Vec<Cluster<'a>> {
    let mut clusters: Vec<Cluster<'a>> = Vec::new();
    for run in runs {
        let (name, label) = named(run);
        let known = clusters.iter_mut().find(|cluster| cluster.name == name);
        match known {
            Some(cluster) => cluster.bars.push((label, *run)),
            None => clusters.push(Cluster {
                name,
                bars: vec![(label, *run)],
            }),
        }
    }
    clusters
}

fn draw(title: &str, clusters: &[Cluster<'_>]) -> String {
    let used = used(clusters);
    let widths = clusters.iter().map(cluster_width);
    let wide = LEFT + widths.sum::<f64>() + GAP * clusters.len() as f64;
    let wide = wide.max(LEFT + width(title, MEDIUM + 2.0)).max(420.0);
    let labels = clusters.iter().flat_map(|cluster| &cluster.bars);
    let below = labels
        .map(|(label, _)| width(label, SMALL))
        .fold(0.0, f64::max)
        + 12.0;
    let (rows, columns) = legend_size(wide, &used);
    let top = 44.0 + rows as f64 * 18.0;
    let mut canvas = Canvas::new(wide + 10.0, top + TALL + below + 34.0);
    canvas.text([LEFT, 22.0], MEDIUM + 2.0, Anchor::Start, 0.0, title);
    legend(&mut canvas, &used, columns);
    axis(&mut canvas, top, wide);
    let mut x = LEFT + GAP / 2.0;
    for cluster in clusters {
        let own = cluster_width(cluster);
        let bars = STEP * cluster.bars.len() as f64 - STEP + BAR;
        for (index, (label, run)) in cluster.bars.iter().enumerate() {
            let left = x + (own - bars) / 2.0 + STEP * index as f64;
            stack(&mut canvas, run, left, top);
            let centre = left + BAR / 2.0 + SMALL / 3.0;
            let under = [centre, top + TALL + 8.0];
            canvas.text(under, SMALL, Anchor::End, 90.0, label);
        }
        let base = top + TALL + below + 4.0;
        canvas.line(&[[x, base], [x + own, base]], INK, 0.75);
        let under = [x + own / 2.0, base + 14.0];
        canvas.text(under, MEDIUM - 1.0, Anchor::Middle, 0.0, &cluster.name);
        x += own + GAP;
    }
    canvas.finish()
}

/// Room for the bars of a cluster, or for its name.
fn cluster_width(cluster: &Cluster<'_>) -> f64 {
    let bars = STEP * cluster.bars.len() as f64;
    bars.max(width(&cluster.name, MEDIUM - 1.0))
}

/// The groups that are there, in the order of reports.
fn used(clusters: &[Cluster<'_>]) -> Vec<String> {
    let mut names: Vec<String> = palette::names().map(str::to_owned).collect();
    let runs = || clusters.iter().flat_map(|cluster| &cluster.bars);
    for (_, run) in runs() {
        for name in run.groups.keys() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    let there =
        |name: &String| runs().any(|(_, run)| run.groups.get(name).is_some_and(|g| g.ns > 0.0));
    names.retain(there);
    names
}

/// Rows and columns of the legend.
fn legend_size(wide: f64, used: &[String]) -> (usize, usize) {
    let columns = (((wide - LEFT) / 112.0) as usize).max(1);
    (used.len().div_ceil(columns), columns)
}

fn legend(canvas: &mut Canvas, used: &[String], columns: usize) {
    for (index, name) in used.iter().enumerate() {
        let x = LEFT + 112.0 * (index % columns) as f64;
        let y = 34.0 + 18.0 * (index / columns) as f64;
        canvas.rect([x, y, 10.0, 10.0], palette::named(name).light, name);
        canvas.text([x + 15.0, y + 9.0], SMALL, Anchor::Start, 0.0, name);
    }
}

fn axis(canvas: &mut Canvas, top: f64, wide: f64) {
    for quarter in 0..=4 {
        let y = top + TALL * f64::from(4 - quarter) / 4.0;
        canvas.line(&[[LEFT, y], [wide, y]], FAINT, 0.75);
        let text = format!("{}%", quarter * 25);
        canvas.text([LEFT - 6.0, y + 3.5], SMALL, Anchor::End, 0.0, &text);
    }
}

/// One bar, GEMM at the bottom.
fn stack(canvas: &mut Canvas, run: &RunRecord, left: f64, top: f64) {
    let order = |name: &str| match name == UNATTRIBUTED {
        true => usize::MAX,
        false => palette::names()
            .position(|known| known == name)
            .unwrap_or(usize::MAX - 1),
    };
    let mut groups: Vec<_> = run.groups.iter().collect();
    groups.sort_by_key(|(name, _)| order(name));
    let mut below = 0.0;
    for (name, group) in groups {
        let share = group.share.clamp(0.0, 1.0);
        if share <= 0.0 {
            continue;
        }
        let height = TALL * share;
        let y = top + TALL * (1.0 - below) - height;
        let title = format!("{name} {}", percent(group.share));
        // A hair of ground between pieces tells them apart without colour.
        let hair = if height > 2.0 { 0.6 } else { 0.0 };
        canvas.rect(
            [left, y + hair, BAR, height - hair],
            palette::named(name).light,
            &title,
        );
        below += share;
    }
}
