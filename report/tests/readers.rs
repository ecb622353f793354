//! Files as the programs open them that people use. `cargo xtask test readers` sets these up.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{failed, gpt2, tiny};
use nongemm_core::cache;
use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::RunRecord;
use nongemm_report::{ParquetReporter, TraceReporter};
use serde_json::Value;

/// The Python that has the readers: that of `NONGEMM_READERS_PYTHON`, else the one that `cargo xtask test readers`
/// makes.
fn python() -> PathBuf {
    match std::env::var_os("NONGEMM_READERS_PYTHON") {
        Some(own) => own.into(),
        None => cache::dir().unwrap().join("readers/bin/python"),
    }
}

fn read(what: &str, path: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers.py");
    let python = python();
    let run = Command::new(&python)
        .arg(script)
        .arg(what)
        .arg(path)
        .output();
    let run = run.unwrap_or_else(|error| {
        let path = python.display();
        panic!("{path}: {error}; `cargo xtask test readers` sets it up")
    });
    let error = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{error}");
    serde_json::from_slice(&run.stdout).unwrap()
}

fn folder(reporter: &dyn Reporter, runs: &[RunRecord]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    reporter
        .report(runs, &mut ReportTarget::Folder(folder.path()))
        .unwrap();
    folder
}

#[test]
fn duckdb_reads_typed_columns() {
    let mut hostile = tiny();
    hostile.spec.model = "=1+1\n\u{1b}[2J".to_owned();
    let folder = folder(&ParquetReporter, &[gpt2(), failed(), hostile]);
    let seen = read("parquet", folder.path());
    let types = &seen["operators"]["types"];
    for (column, expected) in [
        ("run", "VARCHAR"),
        ("started", "TIMESTAMP WITH TIME ZONE"),
        ("batch", "BIGINT"),
        ("image", "BIGINT"),
        ("host_ns_median", "DOUBLE"),
        ("device_ns_median", "DOUBLE"),
        ("flops", "BIGINT"),
    ] {
        assert_eq!(types[column], expected, "{column}");
    }
    assert_eq!(seen["samples"]["types"]["outlier"], "BOOLEAN");
    let rows = seen["operators"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), gpt2().profile.unwrap().ops.len() + 3);
    let names: Vec<&str> = types
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let column = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let last = rows.last().unwrap();
    assert_eq!(last[column("model")], "=1+1\n\u{1b}[2J");
    assert_eq!(last[column("op")], "relu");
    assert_eq!(last[column("flops")], "1000");
    assert_eq!(last[column("device_ns_median")], Value::Null);
    assert_eq!(last[column("inputs")], "[8, 16]");
    let started = last[column("started")].as_str().unwrap();
    assert!(started.starts_with("2026-01-0"), "{started}");
    assert_eq!(seen["samples"]["rows"].as_array().unwrap().len(), 4 * 31);

    // What a data frame adds up to is what the record says.
    let gemm = |run: RunRecord| run.groups["gemm"].ns;
    let groups = seen["groups"].as_array().unwrap();
    let found = groups.iter().find(|row| row[0] == "gemm").unwrap();
    let expected = gemm(gpt2()) + gemm(tiny());
    assert!((found[1].as_f64().unwrap() - expected).abs() < 1e-3);
}

#[test]
fn perfetto_reads_the_trace() {
    let run = gpt2();
    let folder = folder(&TraceReporter, &[run.clone(), failed()]);
    let seen = read("trace", &folder.path().join("trace.json"));
    assert_eq!(
        seen["errors"].as_array().unwrap().len(),
        0,
        "{}",
        seen["errors"]
    );
    let slices = seen["slices"].as_array().unwrap();
    let ops = &run.profile.as_ref().unwrap().ops;
    let operators: Vec<&Value> = slices
        .iter()
        .filter(|slice| ops.iter().any(|op| slice["category"] == op.group.name()))
        .collect();
    assert_eq!(operators.len(), ops.len());
    for (slice, op) in operators.iter().zip(ops) {
        assert_eq!(slice["name"], op.op.as_str());
        assert!(
            slice["depth"].as_u64() >= Some(2),
            "inside of modules: {slice}"
        );
        let close = slice["dur"].as_f64().unwrap() - op.host_ns.median;
        assert!(close.abs() <= 1.0, "{slice}");
    }
    let counters = seen["counters"].to_string();
    for name in ["GFLOP/s", "GB/s", "memory: peak resident set (bytes)"] {
        assert!(counters.contains(name), "{counters}");
    }
}
