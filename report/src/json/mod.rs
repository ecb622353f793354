//! The reporter `json`: all records as one document.

pub(crate) mod visible;

use std::io::{self, Write};

use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::{RunRecord, SCHEMA};
use nongemm_core::register;
use serde::Serialize;

use crate::output;

/// Writes `{"schema": 1, "runs": [...]}`, each run as in its `run.json`.
pub struct JsonReporter;

register!(dyn Reporter, &JsonReporter);

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    runs: &'a [RunRecord],
}

impl Reporter for JsonReporter {
    fn id(&self) -> &'static str {
        "json"
    }

    fn summary(&self) -> &'static str {
        "all records, raw samples included, as one JSON document (report.json in a folder)"
    }

    fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()> {
        output::document(target, "report.json", |out| write(runs, out))
    }
}

fn write(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        runs,
    };
    visible::write(&document, out)
}
