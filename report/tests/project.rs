//! Amdahl's law.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::collections::BTreeMap;

use common::{failed, gpt2, terminal, tiny};
use insta::assert_snapshot;
use nongemm_core::record::RunRecord;
use nongemm_report::project::{Projection, Speedups, project, show};

fn speedups(texts: &[&str]) -> Speedups {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    Speedups::parse(&texts).unwrap()
}

fn refused(texts: &[&str]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    Speedups::parse(&texts).unwrap_err().to_string()
}

fn one(run: &RunRecord, texts: &[&str]) -> Projection {
    let projections = project(std::slice::from_ref(run), &speedups(texts)).unwrap();
    projections.runs[0].clone()
}

/// With times of the groups in each run: those of `tiny`, which vary together.
fn with_runs(mut run: RunRecord) -> RunRecord {
    let profile = run.profile.as_mut().unwrap();
    let mut series = BTreeMap::new();
    let runs: Vec<f64> = (0..31).map(|i| 1.0 + 0.01 * f64::from(i % 5 - 2)).collect();
    for (name, group) in &run.groups {
        series.insert(name.clone(), runs.iter().map(|r| r * group.ns).collect());
    }
    let wall = profile.wall_median_ns;
    profile.walls_ns = runs.iter().map(|r| (r * wall) as u64).collect();
    profile.group_ns = series;
    run
}

#[test]
fn the_law_holds() {
    // Of 101 µs, 70 are GEMM, 20 normalization, 10 activation, 1 unattributed.
    let run = tiny();
    let latency = run.latency.as_ref().unwrap().median_ns;
    let projected = one(&run, &["gemm=10", "normalization=2"]);
    let part = (7.0 + 10.0 + 10.0 + 1.0) / 101.0;
    assert!((projected.projected.ns - latency * part).abs() < 1e-6 * latency);
    assert!((projected.projected.speedup.unwrap() - 1.0 / part).abs() < 1e-9);
    let limit = 11.0 / 101.0;
    assert!((projected.limit.ns - latency * limit).abs() < 1e-6 * latency);
    let shares: f64 = projected.groups.iter().map(|g| g.projected_share).sum();
    assert!((shares - 1.0).abs() < 1e-9);
    let gemm = projected.groups.iter().find(|g| g.name == "gemm").unwrap();
    assert!((gemm.share - 70.0 / 101.0).abs() < 1e-9);
    assert!((gemm.projected_share - 7.0 / 28.0).abs() < 1e-9);
}

#[test]
fn an_operator_goes_before_its_group() {
    let run = gpt2();
    let whole = one(&run, &["logit=4"]).projected.ns;
    assert!((one(&run, &["op:softmax=4"]).projected.ns - whole).abs() < 1e-6 * whole);
    assert!((one(&run, &["op:softmax=4", "logit=100"]).projected.ns - whole).abs() < 1e-6 * whole);
    assert!(one(&run, &["gemm=0.5"]).projected.speedup.unwrap() < 1.0);
}

#[test]
fn the_interval_knows_what_varies_together() {
    let alone = one(&tiny(), &["gemm=2"]);
    assert!(
        alone
            .notes
            .iter()
            .any(|note| note.contains("latency alone"))
    );
    let run = with_runs(tiny());
    let latency = run.latency.as_ref().unwrap();
    let relative =
        |p: &Projection| (p.projected.ci95_ns[1] - p.projected.ci95_ns[0]) / p.projected.ns;
    let whole = (latency.ci95_ns[1] - latency.ci95_ns[0]) / latency.median_ns;
    // All groups vary alike, so that shares are exact.
    let exact = one(&run, &["gemm=2"]);
    assert!(exact.notes.is_empty(), "{:?}", exact.notes);
    assert!((relative(&exact) - whole).abs() < 1e-6);
    let mut varying = run.clone();
    let series = &mut varying.profile.as_mut().unwrap().group_ns;
    for (i, ns) in series.get_mut("gemm").unwrap().iter_mut().enumerate() {
        *ns *= 1.0 + 0.2 * ((i * 7 % 11) as f64 / 5.0 - 1.0);
    }
    assert!(relative(&one(&varying, &["gemm=2"])) > whole * 1.2);
    // An operator of its own: never narrower than its group.
    let op = one(&run, &["op:linear=2"]);
    assert!(relative(&op) >= relative(&exact));
}

#[test]
fn what_makes_no_sense_is_refused() {
    assert_eq!(
        refused(&["normalisation=2"]),
        "unknown group `normalisation`; did you mean `normalization`?"
    );
    for bad in [
        "gemm=0", "gemm=-1", "gemm=inf", "gemm=NaN", "gemm=x", "gemm=",
    ] {
        assert!(
            refused(&[bad]).starts_with("a speedup must be a number above 0"),
            "{bad}"
        );
    }
    assert!(refused(&["gemm"]).starts_with("--speedup takes GROUP=X"));
    assert!(refused(&["op:=2"]).starts_with("--speedup takes GROUP=X"));
    assert_eq!(refused(&["gemm=2", "gemm=3"]), "`gemm` is given twice");
    let unknown = project(&[gpt2()], &speedups(&["op:softmx=2"])).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "no operator `softmx` in these runs; did you mean `softmax`?"
    );
}

#[test]
fn on_a_terminal() {
    let projections = project(
        &[with_runs(tiny()), failed()],
        &speedups(&["gemm=10", "op:layer_norm=2.5"]),
    );
    let text = show::terminal(&projections.unwrap(), terminal(80));
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert_snapshot!(text);
}
