//! The trace: what its events must be so that a reader nests them.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{failed, gpt2, stream, terminal, tiny};
use insta::assert_snapshot;
use nongemm_core::record::{Energy, EnergyRow, RunRecord, Timeline};
use nongemm_report::TraceReporter;
use serde_json::Value;

fn events(runs: &[RunRecord]) -> Vec<Value> {
    let text = stream(&TraceReporter, runs, terminal(80));
    let document: Value = serde_json::from_str(&text).unwrap();
    document["traceEvents"].as_array().unwrap().clone()
}

/// Start and end in nanoseconds, as readers round them.
fn span(event: &Value) -> (i64, i64) {
    let ns = |name: &str| (event[name].as_f64().unwrap() * 1e3).round() as i64;
    (ns("ts"), ns("ts") + ns("dur"))
}

fn of_phase<'a>(events: &'a [Value], phase: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["ph"] == phase).collect()
}

/// Slices of one track nest: each lies within the one that is open, or begins when that has ended.
fn assert_nested(slices: &[&Value]) {
    let mut open: Vec<(i64, i64)> = Vec::new();
    let mut latest = 0;
    for slice in slices {
        let (start, end) = span(slice);
        assert!(start >= latest, "in order: {slice}");
        assert!(end >= start);
        latest = start;
        while open.last().is_some_and(|(_, end)| *end <= start)
            && open.last() != Some(&(start, end))
        {
            open.pop();
        }
        if let Some(outer) = open.last() {
            assert!(outer.0 <= start && end <= outer.1, "{slice} in {outer:?}");
        }
        open.push((start, end));
    }
}

#[test]
fn modules_composites_and_operators_nest_and_nothing_is_missing() {
    let mut run = gpt2();
    let profile = run.profile.as_mut().unwrap();
    for (index, op) in profile.ops.iter_mut().enumerate() {
        op.scope = format!(
            "transformer.h.{}.{}",
            index / 40,
            if index % 40 < 25 { "attn" } else { "mlp" }
        );
    }
    let events = events(std::slice::from_ref(&run));
    let slices = of_phase(&events, "X");
    assert_nested(&slices);
    let profile = run.profile.unwrap();
    let mut operators = slices.iter().filter(|slice| {
        !["module", "composite", "unattributed"].contains(&slice["cat"].as_str().unwrap())
    });
    for op in &profile.ops {
        let slice = operators.next().unwrap();
        assert_eq!(slice["name"], op.op.as_str());
        assert_eq!(slice["cat"], op.group.name());
        assert_eq!(slice["args"]["id"], op.id.as_str());
        let (start, end) = span(slice);
        assert!(((end - start) as f64 - op.host_ns.median).abs() <= 1.0);
    }
    assert!(operators.next().is_none());
    let count = |category: &str, name: &str| {
        let slices = slices.iter();
        slices
            .filter(|slice| slice["cat"] == category && slice["name"] == name)
            .count()
    };
    assert_eq!(count("module", "transformer"), 1);
    assert_eq!(count("module", "h"), 1);
    assert!(count("composite", "new_gelu") >= 12);
    let last = span(slices.last().unwrap());
    assert_eq!(slices.last().unwrap()["name"], "unattributed");
    assert!((last.1 as f64 - profile.wall_median_ns).abs() <= 1.0);
}

#[test]
fn counters_and_the_device_have_tracks() {
    let mut run = tiny();
    run.energy = Some(Energy::Measured(vec![EnergyRow {
        probe: "rapl".to_owned(),
        gross_j_per_inference: 0.001,
        idle_w: 5.0,
        net_j_per_inference: 0.0005,
        windows: 4,
        window_ns: vec![500_000_000; 4],
        inferences: 10_000,
        resolution: "1 ms".to_owned(),
        ..EnergyRow::default()
    }]));
    let profile = run.profile.as_mut().unwrap();
    for op in &mut profile.ops {
        op.device_ns = Some(op.host_ns);
    }
    profile.device = Some(Timeline {
        wall_median_ns: profile.wall_median_ns,
        unattributed_ns: profile.unattributed_ns,
    });
    let events = events(&[run, failed(), tiny()]);
    let tracks: Vec<(u64, u64)> = of_phase(&events, "M")
        .iter()
        .filter(|event| event["name"] == "thread_name")
        .map(|event| {
            (
                event["pid"].as_u64().unwrap(),
                event["tid"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(tracks, [(1, 1), (1, 2), (3, 1)]);
    let counters = of_phase(&events, "C");
    assert!(
        counters
            .iter()
            .all(|event| event["args"]["value"].is_number())
    );
    let has = |name: &str| counters.iter().any(|event| event["name"] == name);
    for name in [
        "GFLOP/s",
        "GB/s",
        "memory: weights (bytes)",
        "power: rapl, mean (W)",
        "power: rapl, idle (W)",
    ] {
        assert!(has(name), "{name}");
    }
    // 10,000 inferences of a millijoule in four windows of half a second.
    let mean = counters
        .iter()
        .find(|event| event["name"] == "power: rapl, mean (W)");
    assert_eq!(mean.unwrap()["args"]["value"], 5.0);
}

#[test]
fn the_whole_document() {
    assert_snapshot!(stream(&TraceReporter, &[tiny()], terminal(80)));
}

#[test]
fn damaged_records_do_not_stop_it() {
    let mut run = tiny();
    let profile = run.profile.as_mut().unwrap();
    profile.ops[0].host_ns.median = -5.0;
    profile.ops[1].host_ns.median = 1e300;
    profile.ops[2].scope = "..a...b..".to_owned();
    profile.wall_median_ns = f64::MAX;
    for op in &mut profile.ops {
        op.parent_id = Some("c".to_owned());
    }
    profile.composites = vec![nongemm_core::record::CompositeRow {
        id: "c".to_owned(),
        op: "own parent".to_owned(),
        parent_id: Some("c".to_owned()),
        counted_whole: false,
        attrs: Default::default(),
        inputs: Vec::new(),
        traits: None,
    }];
    let events = events(&[run]);
    assert!(!of_phase(&events, "X").is_empty());
}
