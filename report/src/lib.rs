//! Reporters: run records as something to read.
//!
//! | id | writes |
//! |---|---|
//! | `terminal` | [`TerminalReporter`]: what a person reads first |
//! | `json` | [`JsonReporter`]: all records as one document |
//! | `parquet` | [`ParquetReporter`]: operators and samples in typed columns |
//! | `trace` | [`TraceReporter`]: the median run for Perfetto and Chrome |
//! | `csv` | [`CsvReporter`]: tables of runs, groups, operators and samples |
//! | `html` | [`HtmlReporter`]: one page with everything, offline |
//! | `svg`, `png` | [`SvgReporter`], [`PngReporter`]: figures for papers and slides |
//! | `paper` | [`PaperReporter`]: shares beside those of the NonGEMM Bench paper |
//! | `workload` | [`WorkloadReporter`]: operators and the shapes that they ran on |
//! | `non-gemm` | [`NonGemmReporter`]: variants, characteristics, traces, most expensive groups |
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
pub mod compare;
mod csv;
mod figures;
mod format;
mod hotspots;
mod html;
mod json;
mod label;
mod non_gemm;
mod output;
mod palette;
mod parquet;
pub mod project;
mod roofline;
mod samples;
mod terminal;
pub mod text;
mod trace;
mod values;
mod workload;

pub use against::PaperReporter;
pub use csv::CsvReporter;
pub use figures::{PngReporter, SvgReporter};
pub use html::HtmlReporter;
pub use json::JsonReporter;
pub use non_gemm::NonGemmReporter;
pub use parquet::ParquetReporter;
pub use terminal::{TerminalReporter, micro_table};
pub use trace::TraceReporter;
pub use workload::WorkloadReporter;
