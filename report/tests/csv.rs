//! The tables.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{failed, gpt2, stream, terminal, tiny};
use insta::assert_snapshot;
use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::{Energy, EnergyRow, RunRecord};
use nongemm_report::CsvReporter;
use serde_json::Value;

fn folder(runs: &[RunRecord]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    CsvReporter
        .report(runs, &mut ReportTarget::Folder(folder.path()))
        .unwrap();
    folder
}

fn read(folder: &tempfile::TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

/// Rows as maps from column to value, one field a line: a table that people can read.
fn upright(table: &str) -> String {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let header = reader.headers().unwrap().clone();
    let mut text = String::new();
    for record in reader.records() {
        for (title, value) in header.iter().zip(&record.unwrap()) {
            text += &format!("{title}: {value}\n");
        }
        text += "\n";
    }
    text
}

#[test]
fn runs() {
    assert_snapshot!(upright(&read(&folder(&[tiny(), failed()]), "runs.csv")));
}

#[test]
fn groups() {
    assert_snapshot!(read(&folder(&[tiny(), failed()]), "groups.csv"));
}

#[test]
fn operators() {
    let folder = folder(&[tiny(), failed()]);
    let table = read(&folder, "operators.csv");
    assert_snapshot!(table);
    assert_eq!(
        stream(&CsvReporter, &[tiny(), failed()], terminal(80)),
        table
    );
}

#[test]
fn every_operator_has_a_row_and_shares_add_up() {
    let run = gpt2();
    let folder = folder(std::slice::from_ref(&run));
    let sum = |table: &str| -> (usize, f64) {
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let header = reader.headers().unwrap().clone();
        let share = header.iter().position(|title| title == "share").unwrap();
        let shares: Vec<f64> = reader
            .records()
            .map(|row| row.unwrap()[share].parse().unwrap())
            .collect();
        (shares.len(), shares.iter().sum())
    };
    let (count, shares) = sum(&read(&folder, "operators.csv"));
    assert_eq!(count, run.profile.unwrap().ops.len());
    assert!((shares - 1.0 / 1.01).abs() < 1e-9, "{shares}");
    let (_, shares) = sum(&read(&folder, "groups.csv"));
    assert!((shares - 1.0).abs() < 1e-9, "{shares}");
}

#[test]
fn headers_do_not_depend_on_the_runs() {
    let header = |runs: &[RunRecord], name: &str| -> String {
        read(&folder(runs), name).lines().next().unwrap().to_owned()
    };
    for name in ["runs.csv", "groups.csv", "operators.csv", "samples.csv"] {
        assert_eq!(
            header(&[], name),
            header(&[gpt2(), failed()], name),
            "{name}"
        );
    }
}

#[test]
fn every_sample_is_a_row() {
    let mut run = tiny();
    run.latency.as_mut().unwrap().samples_ns.truncate(5);
    run.profile.as_mut().unwrap().walls_ns.truncate(3);
    assert_snapshot!(read(&folder(&[run, failed()]), "samples.csv"));
}

#[test]
fn energy_has_a_table_where_it_was_measured() {
    let mut run = tiny();
    run.energy = Some(Energy::Measured(vec![EnergyRow {
        probe: "rapl".to_owned(),
        gross_j_per_inference: 1.5,
        idle_w: 20.0,
        net_j_per_inference: 0.5,
        windows: 4,
        resolution: "1 ms".to_owned(),
        ..EnergyRow::default()
    }]));
    assert_snapshot!(read(&folder(&[run]), "energy.csv"));
    assert!(!folder(&[tiny()]).path().join("energy.csv").exists());
}

/// Paths of the scalars in a record; lists and maps of data count as one.
fn scalars(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                scalars(value, &format!("{path}/{key}"), found);
            }
        }
        Value::Array(items) if items.len() == 2 && items[0].is_number() => {
            found.extend([format!("{path}/0"), format!("{path}/1")]);
        }
        Value::Array(_) => {}
        _ => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn every_scalar_of_the_schema_is_a_column_of_the_runs() {
    // One marker for each scalar: the table must hold all of them.
    let mut run = serde_json::to_value(gpt2()).unwrap();
    let fields = run.as_object_mut().unwrap();
    for data in ["groups", "weights"] {
        fields.remove(data);
    }
    for data in ["ops", "group_ns"] {
        fields["profile"].as_object_mut().unwrap().remove(data);
    }
    for data in ["outputs", "head"] {
        fields["checks"].as_object_mut().unwrap().remove(data);
    }
    fields["spec"].as_object_mut().unwrap().remove("settings");
    fields["software"]
        .as_object_mut()
        .unwrap()
        .remove("libraries");
    let mut expected = BTreeSet::new();
    scalars(&run, "", &mut expected);
    let source = include_str!("../src/csv/runs.rs");
    let missing: Vec<&String> = expected
        .iter()
        .filter(|path| !source.contains(&format!("\"{path}\"")))
        .collect();
    assert!(missing.is_empty(), "no column for {missing:?}");
}

#[test]
fn every_field_of_an_operator_is_a_column() {
    let table = stream(&CsvReporter, &[], terminal(80));
    let columns: BTreeSet<&str> = table.trim().split(',').collect();
    let mut op = gpt2().profile.unwrap().ops.swap_remove(0);
    op.part_group = Some(op.group);
    op.fused = vec!["x".to_owned()];
    op.provider = Some("x".to_owned());
    let op = serde_json::to_value(op).unwrap();
    for field in op.as_object().unwrap().keys() {
        let median = format!("{field}_median");
        assert!(
            columns.contains(field.as_str()) || columns.contains(median.as_str()),
            "{field}"
        );
    }
}
