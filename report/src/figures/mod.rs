//! The reporters `svg` and `png`: figures for papers and slides.
//!
//! | file | shows |
//! |---|---|
//! | `groups-BACKEND` | one stacked bar for each run of a flow, clustered by model |
//! | `flows` | runs that differ only in their flow, side by side |
//! | `roofline-RUN` | the operators of a run against the machine's ceilings |

mod bars;
mod canvas;
mod png;
mod roofline;

use std::collections::BTreeSet;

use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::RunRecord;
use nongemm_core::register;

use crate::output;

/// A figure: the stem of its file's name, and its SVG.
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) svg: String,
}

/// Writes figures as SVG.
pub struct SvgReporter;

register!(dyn Reporter, &SvgReporter);

impl Reporter for SvgReporter {
    fn id(&self) -> &'static str {
        "svg"
    }

    fn summary(&self) -> &'static str {
        "figures for papers: stacked bars of groups, flows side by side, rooflines"
    }

    fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()> {
        write(runs, target, "svg", |figure| Ok(figure.svg.into_bytes()))
    }
}

/// Writes the same figures as PNG.
pub struct PngReporter;

register!(dyn Reporter, &PngReporter);

impl Reporter for PngReporter {
    fn id(&self) -> &'static str {
        "png"
    }

    fn summary(&self) -> &'static str {
        "the figures of `svg` as images for slides"
    }

    fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()> {
        let renderer = png::Renderer::new();
        write(runs, target, "png", |figure| renderer.render(&figure.svg))
    }
}

fn write(
    runs: &[RunRecord],
    target: &mut ReportTarget<'_>,
    ending: &str,
    encode: impl Fn(Figure) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<()> {
    match target {
        ReportTarget::Stream(stream, _) => {
            let first = bars::by_backend(runs).into_iter().next();
            let bytes = encode(first.unwrap_or_else(bars::empty))?;
            output::stream(*stream, |out| out.write_all(&bytes))
        }
        ReportTarget::Folder(folder) => {
            for figure in figures(runs) {
                let name = format!("{}.{ending}", figure.name);
                let bytes = encode(figure)?;
                output::file(folder, &name, |out| out.write_all(&bytes))?;
            }
            Ok(())
        }
    }
}

/// All figures, each with a name of its own; one that says so where nothing can be drawn.
fn figures(runs: &[RunRecord]) -> Vec<Figure> {
    let mut figures = bars::by_backend(runs);
    figures.extend(bars::flows(runs));
    figures.extend(runs.iter().filter_map(roofline::of));
    if figures.is_empty() {
        figures.push(bars::empty());
    }
    let mut names = BTreeSet::new();
    for (index, figure) in figures.iter_mut().enumerate() {
        if !names.insert(figure.name.clone()) {
            figure.name = format!("{}-{index}", figure.name);
        }
    }
    figures
}

/// A name that any file system takes: letters, digits, `.`, `_` and `-`, not too long.
fn file_name(text: &str) -> String {
    let safe = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "._-".contains(c) => c,
        _ => '-',
    };
    text.chars().map(safe).take(120).collect()
}
