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
///
/// ```
/// use nongemm_core::plugin::{ReportTarget, Reporter, Terminal};
/// use nongemm_core::run::failed;
/// # use nongemm_core::record::{RunRecord, RunSpec};
/// # let spec = RunSpec { model: "tiny".to_owned(), ..RunSpec::default() };
///
/// /// A line for each run.
/// struct Lines;
///
/// impl Reporter for Lines {
///     fn id(&self) -> &'static str {
///         "lines"
///     }
///
///     fn summary(&self) -> &'static str {
///         "a line for each run"
///     }
///
///     fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()> {
///         let lines: String = runs.iter().map(|run| format!("{} {:?}\n", run.spec.model, run.status)).collect();
///         match target {
///             ReportTarget::Stream(out, _) => out.write_all(lines.as_bytes())?,
///             ReportTarget::Folder(folder) => std::fs::write(folder.join("lines.txt"), lines)?,
///         }
///         Ok(())
///     }
/// }
///
/// let mut out = Vec::new();
/// let terminal = Terminal { width: 80, colour: false };
/// let runs = [failed(&spec, "no kernel".to_owned())];
/// Lines.report(&runs, &mut ReportTarget::Stream(&mut out, terminal))?;
/// assert_eq!(out, b"tiny Failed\n");
/// # Ok::<(), anyhow::Error>(())
/// ```
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
