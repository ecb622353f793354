//! Names that attack their reader: no format lets them act.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{record, row, stream, terminal};
use nongemm_core::op::OpGroup;
use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::{RunRecord, Status};
use nongemm_report::text::is_invisible;
use nongemm_report::{CsvReporter, JsonReporter, TerminalReporter};
use proptest::prelude::*;

/// A record in which every name is `name`.
fn named(name: &str) -> RunRecord {
    let mut op = row(name, OpGroup::Unclassified, &[&[2, 2]], 5.0);
    op.id = name.to_owned();
    op.scope = name.to_owned();
    op.fused = vec![name.to_owned()];
    op.provider = Some(name.to_owned());
    op.attrs.insert(name.to_owned(), name.into());
    let mut run = record(name, vec![op]);
    run.spec.backend = name.to_owned();
    run.spec.weights = name.to_owned();
    run.spec.dataset = name.to_owned();
    run.spec.settings.insert(name.to_owned(), name.to_owned());
    run.machine.cpu = name.to_owned();
    run.machine.os = name.to_owned();
    run.software.backend = name.to_owned();
    run.software
        .libraries
        .insert(name.to_owned(), name.to_owned());
    run
}

fn failed(name: &str) -> RunRecord {
    RunRecord {
        status: Status::Failed,
        error: Some(name.to_owned()),
        latency: None,
        profile: None,
        groups: [].into(),
        ..named(name)
    }
}

fn acts(text: &str) -> bool {
    text.contains(|c: char| is_invisible(c) && c != '\n')
}

fn tables(runs: &[RunRecord]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    CsvReporter
        .report(runs, &mut ReportTarget::Folder(folder.path()))
        .unwrap();
    let entries = std::fs::read_dir(folder.path()).unwrap();
    entries
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect()
}

fn check(name: &str) -> Result<(), TestCaseError> {
    let runs = [named(name), failed(name)];
    for width in [60, 80, 160] {
        let text = stream(&TerminalReporter, &runs, terminal(width));
        prop_assert!(!acts(&text), "{text:?}");
    }
    let json = stream(&JsonReporter, &runs, terminal(80));
    prop_assert!(!acts(&json), "{json:?}");
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    prop_assert_eq!(&read["runs"][0]["spec"]["model"], name);
    for table in tables(&runs) {
        prop_assert!(!acts(&table), "{table:?}");
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        for row in reader.records() {
            for cell in &row.unwrap() {
                let is_number = cell.parse::<f64>().is_ok();
                prop_assert!(
                    is_number || !cell.starts_with(['=', '+', '-', '@']),
                    "{cell:?}"
                );
                prop_assert!(cell.chars().count() <= 32_767);
            }
        }
    }
    Ok(())
}

#[test]
fn known_attacks_are_harmless() {
    for name in [
        "=HYPERLINK(\"http://evil.example\",\"click\")",
        "+cmd|' /C calc'!A0",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "\t=1+1",
        "\r=1+1",
        "\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[31m",
        "\u{9b}31m",
        "\u{202e}txt.exe",
        "a\nb\r\nc\0d",
        "<script>alert(1)</script>",
        "| a | b |\n|---|---|",
        "\"quoted\", 'and'; separated",
        "",
    ] {
        check(name).unwrap();
    }
}

#[test]
fn very_long_names_are_harmless() {
    let runs = [named(&"x".repeat(1 << 20)), named(&"y ".repeat(1 << 16))];
    let text = stream(&TerminalReporter, &runs, terminal(80));
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(500), "{longest:?}");
    for table in tables(&runs) {
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let cells = reader.records().map(|row| row.unwrap());
        let longest = cells.flat_map(|row| row.iter().map(|cell| cell.chars().count()).max());
        assert!(longest.max() <= Some(32_767));
    }
}

proptest! {
    // The failing input is printed; nothing is written into the source tree.
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_name_is_harmless(name in "(\\PC|[\u{0}-\u{20}\u{7f}-\u{9f}=+@,;'\"|<>`\u{202e}-]){0,40}") {
        check(&name)?;
    }
}
