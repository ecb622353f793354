//! Reporters: run records as something to read.

use std::io::Write;
use std::path::Path;

use super::registry::plugin_kind;
use crate::record::RunRecord;

/// How a reporter may write to a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Columns.
    pub width: usize,
    /// Whether colours may be used.
    pub colour: bool,
}

/// Where a report goes.
pub enum ReportTarget<'a> {
    /// A stream: standard output.
    Stream(&'a mut dyn Write, Terminal),
    /// A folder; the reporter chooses file names in it.
    Folder(&'a Path),
}

/// Turns run records into a report. A reporter reads records only; it never measures.
pub trait Reporter: Send + Sync {
    /// The id that users name it by.
    fn id(&self) -> &'static str;

    /// What it writes, in one line.
    fn summary(&self) -> &'static str;

    /// Whether it writes only into a folder: it is never given a stream then.
    fn needs_folder(&self) -> bool {
        false
    }

    /// Writes the report.
    ///
    /// # Errors
    /// When the target cannot be written.
    fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()>;
}

plugin_kind!(Reporter, "reporter");
