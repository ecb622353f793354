//! The reporter `html`: one file that opens anywhere, offline.
//!
//! The page is `page.html`, `style.css` and the scripts in `js/`, put together here with the data: two
//! JSON documents, compressed, the overview (every run without its operators) and the operators of all
//! runs. The scripts only ever put text from records into text nodes; the policy in the page's head lets
//! no other script run and nothing be loaded.

mod operators;
mod overview;
mod pack;
mod table2;

use std::io::{self, Write};

use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::RunRecord;
use nongemm_core::register;

use crate::output;
use crate::palette::{self, Colour};

/// Writes one page with everything.
pub struct HtmlReporter;

register!(dyn Reporter, &HtmlReporter);

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const DARK: &str = include_str!("dark.css");

/// The scripts, in an order in which each knows what it needs.
const SCRIPTS: [&str; 12] = [
    include_str!("js/dom.js"),
    include_str!("js/format.js"),
    include_str!("js/data.js"),
    include_str!("js/grid.js"),
    include_str!("js/bars.js"),
    include_str!("js/overview.js"),
    include_str!("js/breakdown.js"),
    include_str!("js/icicle.js"),
    include_str!("js/plots.js"),
    include_str!("js/amdahl.js"),
    include_str!("js/run.js"),
    include_str!("js/paper.js"),
];

/// What starts them.
const APP: &str = include_str!("js/app.js");

impl Reporter for HtmlReporter {
    fn id(&self) -> &'static str {
        "html"
    }

    fn summary(&self) -> &'static str {
        "one page with all runs, for any browser, offline (report.html in a folder)"
    }

    fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()> {
        let groups = groups(runs);
        let overview = pack::gzip_base64(&overview::Overview::new(runs, &groups)?)?;
        let operators = pack::gzip_base64(&operators::Operators::new(runs, &groups))?;
        output::document(target, "report.html", |out| {
            write(out, &groups, &overview, &operators)
        })
    }
}

/// The spellings of all groups, those included that this build does not know, `unattributed` last: an
/// index into them stands for a group everywhere in the page.
fn groups(runs: &[RunRecord]) -> Vec<&str> {
    let mut names: Vec<&str> = palette::names().collect();
    let rest = names.pop();
    for name in runs.iter().flat_map(|run| run.groups.keys()) {
        if !names.contains(&name.as_str()) && rest != Some(name.as_str()) {
            names.push(name);
        }
    }
    names.extend(rest);
    names
}

fn write(out: &mut dyn Write, groups: &[&str], overview: &str, operators: &str) -> io::Result<()> {
    let script = script();
    let hash = pack::sha256_base64(&script);
    let style = style(groups);
    let fields = [
        ("script-hash", hash.as_str()),
        ("version", env!("CARGO_PKG_VERSION")),
        ("style", style.as_str()),
        ("overview", overview),
        ("operators", operators),
        ("script", script.as_str()),
    ];
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        out.write_all(before.as_bytes())?;
        let Some((name, after)) = after.split_once("}}") else {
            return Err(io::Error::other("the page has an open placeholder"));
        };
        let field = fields.iter().find(|(known, _)| *known == name);
        let (_, value) = field.ok_or_else(|| io::Error::other(format!("no value for {name}")))?;
        out.write_all(value.as_bytes())?;
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

fn script() -> String {
    format!(
        "(() => {{\n\"use strict\";\n{}\n{APP}\n}})();\n",
        SCRIPTS.join("\n")
    )
}

/// The style sheet, with the palette as variables: `--g0` for the ground of the first group, `--t0` for
/// text on it.
fn style(groups: &[&str]) -> String {
    let light = variables(groups, |colour| colour.light);
    let dark = format!("{DARK}{}", variables(groups, |colour| colour.dark));
    format!(
        "{STYLE}\n:root {{\n{light}}}\n:root[data-theme=\"dark\"] {{\n{dark}  color-scheme: dark;\n}}\n\
         :root[data-theme=\"light\"] {{ color-scheme: light; }}\n\
         @media (prefers-color-scheme: dark) {{\n:root:not([data-theme=\"light\"]) {{\n{dark}}}\n}}"
    )
}

fn variables(groups: &[&str], side: fn(Colour) -> &'static str) -> String {
    let lines = groups.iter().enumerate().map(|(index, name)| {
        let colour = side(palette::named(name));
        format!(
            "  --g{index}: {colour}; --t{index}: {};\n",
            palette::ink(colour)
        )
    });
    lines.collect()
}
