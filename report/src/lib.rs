//! Reporters: run records as something to read.
//!
//! | id | writes |
//! |---|---|
//! | `terminal` | [`TerminalReporter`]: what a person reads first |
//! | `json` | [`JsonReporter`]: all records as one document |
//! | `csv` | [`CsvReporter`]: tables of runs, groups and operators |
//! | `html` | [`HtmlReporter`]: one page with everything, offline |
//! | `svg`, `png` | [`SvgReporter`], [`PngReporter`]: figures for papers and slides |
//! | `paper` | [`PaperReporter`]: shares beside those of the NonGEMM Bench paper |
//!
//! They register themselves. A crate that is only listed in `Cargo.toml` is not linked and registers
//! nothing: a binary needs `use nongemm_report as _;`.
//!
//! Invariants: a reporter reads records only and never measures; it shows what a record holds, adds up
//! and compares, and leaves nothing out silently: `unattributed` is a row of its own, operators that no
//! classifier knows are listed by name, failed runs are shown. It knows operators and groups by what
//! the records say of them.

mod against;
mod breakdown;
mod csv;
mod figures;
mod format;
mod hotspots;
mod html;
mod json;
mod label;
mod output;
mod palette;
mod roofline;
mod terminal;

pub use against::PaperReporter;
pub use csv::CsvReporter;
pub use figures::{PngReporter, SvgReporter};
pub use html::HtmlReporter;
pub use json::JsonReporter;
pub use terminal::{TerminalReporter, micro_table};
