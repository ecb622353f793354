//! Records of operators alone: on disk, and beside the same operators in models.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;

use nongemm_core::dtype::DType;
use nongemm_core::measure::{ClockCost, Series, Stop};
use nongemm_core::op::{Attrs, OpGroup, OpInstance};
use nongemm_core::plugin::Device;
use nongemm_core::record::micro_store::{Growing, path, read};
use nongemm_core::record::{
    AloneTimes, Ceiling, Ceilings, Energy, EnergyRow, Machine, MicroEntry, MicroRecord, MicroSpec,
    Outcome, RunRecord, SCHEMA, Software, group_energy, in_model,
};
use nongemm_core::shape::TensorSpec;
use serde_json::json;

fn spec() -> MicroSpec {
    MicroSpec {
        backend: "toy:fast".to_owned(),
        device: Device::Cpu,
        dtype: None,
        threads: 2,
        settings: std::collections::BTreeMap::new(),
        target_ci: 0.02,
        max_time_ns: 1_000,
        min_samples: 6,
        energy: false,
    }
}

fn header() -> MicroRecord {
    MicroRecord {
        schema: SCHEMA,
        id: spec().id(),
        spec: spec(),
        machine: Machine::default(),
        software: Software::default(),
        started: "2026-01-02T03:04:05Z".to_owned(),
        clock: ClockCost {
            read_ns: 20,
            resolution_ns: 1,
        },
        overhead: None,
        flushed_bytes: 0,
        energy_unavailable: None,
        group_energy: Vec::new(),
        entries: Vec::new(),
    }
}

fn series(samples: &[f64]) -> Series {
    Series::new(samples.to_vec(), 1, Stop::TargetCi, Vec::new())
}

fn times(ns: f64) -> AloneTimes {
    AloneTimes {
        steps: vec!["norm".to_owned()],
        hot: series(&[ns; 6]),
        cold: Some(series(&[2.0 * ns; 6])),
        host: series(&[ns, ns, ns, ns, ns, 2.0 * ns]),
        device: None,
        flops: Some(1_000),
        bytes: Some(4_000),
        outputs: Vec::new(),
        energy: Vec::new(),
        energy_left_out: Vec::new(),
    }
}

fn entry(op: &str, outcome: Outcome) -> MicroEntry {
    let attrs = json!({"eps": 0.1, "axis": 1});
    MicroEntry {
        vocabulary: None,
        call: OpInstance {
            op: op.to_owned(),
            attrs: attrs.as_object().unwrap().clone(),
            inputs: vec![TensorSpec::new(DType::F32, [2usize, 3])],
        },
        group: None,
        models: Vec::new(),
        outcome,
        bytes_per_s: None,
        flops_per_s: None,
        roofline: None,
        in_model: Vec::new(),
    }
}

fn ok(op: &str) -> MicroEntry {
    entry(op, Outcome::Ok(Box::new(times(100.0))))
}

fn failed(op: &str) -> MicroEntry {
    let reason = "killed".to_owned();
    entry(op, Outcome::Failed { reason })
}

fn ops(record: &MicroRecord) -> Vec<&str> {
    let entries = record.entries.iter();
    entries.map(|entry| entry.call.op.as_str()).collect()
}

fn begin(out: &Path, resume: bool) -> Growing {
    Growing::begin(out, header(), resume).unwrap()
}

#[test]
fn an_interruption_loses_nothing_and_resuming_repeats_only_failures() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path();
    let mut growing = begin(out, false);
    growing.add(ok("a")).unwrap();
    growing.add(failed("b")).unwrap();
    // The process ends here, in the middle of a line.
    drop(growing);
    let lines = path(out, &spec().id()).with_extension("jsonl");
    let mut text = fs::read_to_string(&lines).unwrap();
    text.push_str("{\"op\": \"c\", \"inp");
    fs::write(&lines, text).unwrap();

    let mut growing = begin(out, true);
    assert_eq!(ops(growing.record()), ["a"]);
    growing.add(ok("b")).unwrap();
    let record = growing.finish(|_| ()).unwrap();
    assert_eq!(ops(&record), ["a", "b"]);
    assert!(!lines.exists());
    let whole = read(&path(out, &spec().id())).unwrap();
    assert_eq!(whole, record);
    // A whole record can be resumed too; without resuming it starts anew.
    assert_eq!(ops(begin(out, true).record()), ["a", "b"]);
    assert!(begin(out, false).record().entries.is_empty());
}

#[test]
fn other_settings_are_not_mixed() {
    let out = tempfile::tempdir().unwrap();
    begin(out.path(), false).finish(|_| ()).unwrap();
    let mut other = header();
    other.spec.min_samples = 7;
    let error = Growing::begin(out.path(), other, true).err().unwrap();
    assert!(error.to_string().contains("other settings"), "{error}");
}

#[test]
fn damaged_records_are_one_line() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("micro.json");
    fs::write(&file, "[]").unwrap();
    assert!(read(&file).unwrap_err().to_string().contains("micro.json"));
    let mut later = header();
    later.schema = 99;
    fs::write(&file, serde_json::to_string(&later).unwrap()).unwrap();
    assert!(read(&file).unwrap_err().to_string().contains("schema 99"));
}

#[test]
fn rates_and_the_roofline() {
    let rate = |value: f64| Ceiling {
        value,
        ci95: [value; 2],
        n: 6,
    };
    let times = times(100.0);
    assert_eq!(times.bytes_per_s(), Some(40e9));
    assert_eq!(times.flops_per_s(), Some(10e9));
    let mut ceilings = Ceilings {
        backend: "toy".to_owned(),
        device: Device::Cpu,
        threads: 2,
        copy_bytes_per_s: Some(rate(40e9)),
        gemm_flops_per_s: [(DType::F32, rate(1e12))].into(),
        key: String::new(),
        measured: String::new(),
    };
    // 4000 bytes need 100 ns; cold it takes 200 ns.
    assert_eq!(times.roofline(&ceilings, DType::F32), Some(0.5));
    // 1000 operations need 150 ns.
    ceilings.gemm_flops_per_s = [(DType::F32, rate(1e12 / 150.0))].into();
    assert_eq!(times.roofline(&ceilings, DType::F32), Some(0.75));
    ceilings.copy_bytes_per_s = None;
    assert_eq!(times.roofline(&ceilings, DType::F32), None);
}

fn run(backend: &str) -> RunRecord {
    let row = |ns: f64, op: &str, parent: Option<&str>| {
        json!({"id": "n", "scope": "h.0", "op": op, "parent": null, "parent_id": parent,
            "group": "other", "attrs": {"axis": 1, "eps": 0.1},
            "inputs": [{"dtype": "f32", "shape": [2, 3]}], "outputs": [],
            "host_ns": {"median": ns, "own_median": ns, "own_ci95": [0.9 * ns, 1.1 * ns],
                        "mad": 0.0, "n": 9},
            "device_ns": null, "flops": null, "bytes": null})
    };
    let spec = json!({"model": "m", "backend": backend, "device": "cpu", "dtype": "f32", "batch": 1,
        "seq": null, "image": null, "weights": "", "dataset": "", "threads": 2, "settings": {}});
    let whole = json!({"id": "c0", "op": "whole", "parent_id": null, "counted_whole": true,
        "attrs": {"eps": 0.1, "axis": 1}, "inputs": [{"dtype": "f32", "shape": [2, 3]}]});
    let profile = json!({"wall_median_ns": 1.0, "walls_ns": [], "n": 9, "middle": 5,
        "perturbation": 0.0, "perturbation_ci95": [0.0, 0.0], "unreliable": false,
        "unattributed_ns": 0.0, "composites": [whole],
        "ops": [row(100.0, "norm", None), row(300.0, "norm", None), row(10.0, "part", Some("c0")),
                row(20.0, "part", Some("c0"))]});
    let record = json!({"schema": 1, "id": "r", "spec": spec, "machine": Machine::default(),
        "software": Software::default(), "status": "ok", "error": null, "started": "",
        "model": null, "latency": null, "profile": profile, "groups": {}, "memory": null,
        "energy": null, "noise": null, "checks": null, "phases": null});
    serde_json::from_value(record).unwrap()
}

#[test]
fn operators_in_models_beside_the_same_alone() {
    let mut record = header();
    record.entries = ["norm", "whole", "other"].map(ok).into();
    let mut with_other_attrs = ok("norm");
    with_other_attrs.call.attrs = Attrs::new();
    record.entries.push(with_other_attrs);
    in_model::compare(&mut record, &[run("toy:fast"), run("another")]);
    let found = |index: usize| &record.entries[index].in_model;
    // Two calls of 100 and 300 ns; alone 100 ns, between 100 and 200.
    let norm = &found(0)[0];
    assert_eq!((norm.count, norm.ns, norm.ratio), (2, 200.0, 2.0));
    let near = |a: [f64; 2], b: [f64; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(near(norm.ci95_ns, [180.0, 220.0]));
    assert!(near(norm.ratio_ci95, [0.9, 2.2]));
    // A composite is all of its parts.
    assert_eq!((found(1)[0].count, found(1)[0].ns), (1, 30.0));
    assert!(found(2).is_empty() && found(3).is_empty());
    assert_eq!(found(0).len(), 1, "another backend's runs are not compared");
}

#[test]
fn groups_take_what_their_operators_take_alone() {
    let row = |probe: &str, net: f64| EnergyRow {
        probe: probe.to_owned(),
        sensor: "package-0".to_owned(),
        net_j_per_inference: net,
        ..EnergyRow::default()
    };
    let mut alone = times(100.0);
    alone.energy = vec![row("rapl", 0.25), row("other", 9.0)];
    let mut record = header();
    record.entries = vec![entry("norm", Outcome::Ok(Box::new(alone)))];
    let mut measured = run("toy:fast");
    group_energy::weigh(&mut record, std::slice::from_ref(&measured));
    assert!(record.group_energy.is_empty(), "the run has no energy");
    measured.energy = Some(Energy::Measured(vec![row("rapl", 2.0), row("absent", 3.0)]));
    group_energy::weigh(&mut record, &[measured]);
    let [found] = record.group_energy.as_slice() else {
        panic!("{:?}", record.group_energy);
    };
    // Two calls of 0.25 J; the parts, which have no entry, take 30 of 430 ns.
    assert_eq!(found.groups, [(OpGroup::Other, 0.5)].into());
    assert_eq!(
        (found.probe.as_str(), found.whole_j, found.residual_j),
        ("rapl", 2.0, 1.5)
    );
    assert!((found.covered - 400.0 / 430.0).abs() < 1e-12);
}
