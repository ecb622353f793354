//! The reporter `paper`: measured shares beside those that the NonGEMM Bench paper prints.
//!
//! The paper's numbers are data (`paper.json`), each with the place that it is printed at. Each is set beside
//! the run of that model whose configuration is nearest, and what differs is said. Digits depend on machine
//! and versions; what can be replicated is the direction (which side of half the time non-GEMM operators
//! take, which group costs most, that an accelerator raises their share) and the ranking of models.

mod data;
mod pair;
mod verdict;

use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::RunRecord;
use nongemm_core::register;
use serde::Serialize;

use crate::{output, terminal};

/// Writes a table and what it shows: `paper.txt` and `paper.csv` in a folder.
pub struct PaperReporter;

register!(dyn Reporter, &PaperReporter);

/// Measured shares beside the paper's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Replication {
    /// What is compared with what.
    pub(crate) about: String,
    /// Whether direction and ranking agree, a sentence each.
    pub(crate) summary: Vec<String>,
    /// One row for each of the paper's numbers whose model was run.
    pub(crate) rows: Vec<Row>,
}

/// One of the paper's numbers and the run beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    /// `most expensive` or `non-GEMM`.
    pub(crate) what: &'static str,
    /// Model id.
    pub(crate) model: String,
    /// The paper's batch size; empty where it names none.
    pub(crate) batch: String,
    /// The paper's flow and device: `torch cuda`.
    pub(crate) setting: String,
    /// The paper's number: `normalization 20%`.
    pub(crate) paper: String,
    /// Where it is printed.
    pub(crate) source: String,
    /// The measured number.
    pub(crate) measured: String,
    /// `agrees` or `differs`.
    pub(crate) verdict: &'static str,
    /// The run's flow and device.
    pub(crate) flow: String,
    /// Id of the run.
    pub(crate) run: String,
    /// What differs between the configurations; empty where nothing is known to.
    pub(crate) differs: String,
}

/// The comparison; `None` where no model of the paper's was run.
///
/// # Errors
/// When the paper's numbers cannot be read, which would be a defect.
pub(crate) fn replication(runs: &[RunRecord]) -> anyhow::Result<Option<Replication>> {
    let paper = data::Paper::read()?;
    let pairs = pair::pairs(&paper, runs);
    if pairs.is_empty() {
        return Ok(None);
    }
    let compared = pairs.len();
    let mut summary = verdict::summary(&pairs);
    let missing = paper.points.len() - compared;
    if missing > 0 {
        summary.push(format!(
            "{missing} of the paper's numbers are of models that were not run"
        ));
    }
    Ok(Some(Replication {
        about: format!(
            "{compared} numbers of {}, measured there on {}, beside the nearest run of each model. Shares \
             are of the whole time; the paper's leave out what no operator accounts for.",
            paper.paper, paper.machine
        ),
        summary,
        rows: pairs.iter().map(|pair| pair.row(&paper)).collect(),
    }))
}

impl Reporter for PaperReporter {
    fn id(&self) -> &'static str {
        "paper"
    }

    fn summary(&self) -> &'static str {
        "shares beside those of the NonGEMM Bench paper: what differs, what agrees"
    }

    fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()> {
        let replication = replication(runs)?;
        if let (ReportTarget::Folder(folder), Some(replication)) = (&*target, &replication) {
            output::file(folder, "paper.csv", |out| write_csv(replication, out))?;
        }
        let text = |shape| terminal::replication::text(replication.as_ref(), shape);
        let text = match target {
            ReportTarget::Stream(_, shape) => text(*shape),
            ReportTarget::Folder(_) => text(terminal::FILE),
        };
        output::document(target, "paper.txt", |out| out.write_all(text.as_bytes()))
    }
}

fn write_csv(replication: &Replication, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    const HEADER: [&str; 11] = [
        "what", "model", "batch", "setting", "paper", "source", "measured", "verdict", "flow",
        "run", "differs",
    ];
    let rows = replication.rows.iter().map(|row| {
        vec![
            row.what.to_owned(),
            row.model.clone(),
            row.batch.clone(),
            row.setting.clone(),
            row.paper.clone(),
            row.source.clone(),
            row.measured.clone(),
            row.verdict.to_owned(),
            row.flow.clone(),
            row.run.clone(),
            row.differs.clone(),
        ]
    });
    crate::csv::write_table(out, HEADER.to_vec(), rows)
}
