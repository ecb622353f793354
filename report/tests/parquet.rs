//! The tables for data frames, read back. `readers.rs` opens them with DuckDB.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs::File;

use common::{failed, gpt2, terminal, tiny};
use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::RunRecord;
use nongemm_report::ParquetReporter;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};

fn rows(runs: &[RunRecord], name: &str) -> (usize, Vec<Row>) {
    let folder = tempfile::tempdir().unwrap();
    ParquetReporter
        .report(runs, &mut ReportTarget::Folder(folder.path()))
        .unwrap();
    let file = File::open(folder.path().join(name)).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let groups = reader.num_row_groups();
    let rows = reader.get_row_iter(None).unwrap();
    (groups, rows.map(Result::unwrap).collect())
}

fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
    let mut columns = row.get_column_iter();
    columns.find(|(column, _)| *column == name).unwrap().1
}

#[test]
fn operators_keep_types_names_and_nulls() {
    let mut run = tiny();
    run.spec.model = "=\u{1b}\n".to_owned();
    let (groups, rows) = rows(&[run.clone(), failed(), gpt2()], "operators.parquet");
    assert_eq!(groups, 2);
    let ops = run.profile.as_ref().unwrap().ops.len();
    assert_eq!(rows.len(), ops + gpt2().profile.unwrap().ops.len());
    let norm = &rows[1];
    assert_eq!(field(norm, "model"), &Field::Str("=\u{1b}\n".to_owned()));
    assert_eq!(
        field(norm, "scope"),
        &Field::Str("norm, \"first\"".to_owned())
    );
    assert_eq!(field(norm, "index"), &Field::Long(1));
    assert_eq!(field(norm, "host_ns_median"), &Field::Double(20_000.0));
    assert_eq!(field(norm, "image"), &Field::Null);
    assert_eq!(field(norm, "device_ns_median"), &Field::Null);
    let started = Field::TimestampMicros(1_767_323_045_000_000);
    assert_eq!(field(norm, "started"), &started);
}

#[test]
fn every_sample_is_there() {
    let (_, rows) = rows(&[tiny(), failed()], "samples.parquet");
    assert_eq!(rows.len(), 62);
    assert_eq!(field(&rows[3], "outlier"), &Field::Bool(true));
    assert_eq!(field(&rows[4], "disturbed"), &Field::Bool(false));
    assert_eq!(
        field(&rows[40], "pass"),
        &Field::Str("instrumented".to_owned())
    );
    assert_eq!(field(&rows[40], "outlier"), &Field::Null);
}

#[test]
fn nothing_is_a_table_too_and_streams_are_refused() {
    assert_eq!(rows(&[], "operators.parquet"), (0, Vec::new()));
    let mut out = Vec::new();
    let mut target = ReportTarget::Stream(&mut out, terminal(80));
    let error = ParquetReporter.report(&[tiny()], &mut target).unwrap_err();
    assert!(error.to_string().contains("stream"), "{error}");
    assert!(out.is_empty());
}
