//! The JSON report.

mod common;

use std::io::{self, Write};

use common::{failed, stream, terminal, tiny};
use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::RunRecord;
use nongemm_report::JsonReporter;
use serde_json::Value;

#[test]
fn holds_every_record_as_it_was() {
    let runs = [tiny(), failed()];
    let text = stream(&JsonReporter, &runs, terminal(80));
    assert!(text.ends_with("}\n"));
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["schema"], 1);
    let read: Vec<RunRecord> = serde_json::from_value(document["runs"].clone()).unwrap();
    assert_eq!(read.len(), 2);
    let alone = serde_json::to_string(&runs).unwrap();
    assert_eq!(
        document["runs"],
        serde_json::from_str::<Value>(&alone).unwrap()
    );
}

#[test]
fn a_folder_gets_report_json() {
    let folder = tempfile::tempdir().unwrap();
    JsonReporter
        .report(&[tiny()], &mut ReportTarget::Folder(folder.path()))
        .unwrap();
    let text = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    assert_eq!(text, stream(&JsonReporter, &[tiny()], terminal(80)));
}

#[test]
fn a_target_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = JsonReporter
        .report(&[], &mut ReportTarget::Folder(&file))
        .unwrap_err();
    let text = format!("{error:#}");
    assert!(
        text.starts_with(&format!("cannot make the folder {}: ", file.display())),
        "{text}"
    );
    std::fs::create_dir(folder.path().join("report.json")).unwrap();
    let error = JsonReporter
        .report(&[], &mut ReportTarget::Folder(folder.path()))
        .unwrap_err();
    let text = format!("{error:#}");
    let start = format!(
        "cannot write {}: ",
        folder.path().join("report.json").display()
    );
    assert!(text.starts_with(&start), "{text}");
}

/// A pipe whose reader went away.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn a_closed_pipe_can_be_told_from_other_errors() {
    use nongemm_report::{CsvReporter, TerminalReporter};
    let reporters: [&dyn Reporter; 3] = [&JsonReporter, &CsvReporter, &TerminalReporter];
    for reporter in reporters {
        let mut target = ReportTarget::Stream(&mut Closed, terminal(80));
        let error = reporter.report(&[tiny()], &mut target).unwrap_err();
        let kind = error
            .chain()
            .find_map(|cause| cause.downcast_ref::<io::Error>())
            .map(io::Error::kind);
        assert_eq!(kind, Some(io::ErrorKind::BrokenPipe), "{}", reporter.id());
    }
}
