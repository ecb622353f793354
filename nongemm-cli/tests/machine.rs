//! Measured ceilings, through the real binary.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{QUICK, done, nongemm, records};
use nongemm_core::dtype::DType;
use nongemm_core::record::Ceilings;

#[test]
fn ceilings_are_measured_kept_and_found_by_runs() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let start = |args: &[&str]| {
        let output = nongemm(args).env("NONGEMM_CACHE", &cache).output().unwrap();
        done(&output)
    };
    let asked = ["--backend", "candle", "--dtype", "f32", "--threads", "1"];
    let measured = start(&[&["machine", "--json"], &asked[..]].concat());
    assert_eq!(measured.code, Some(0), "{}", measured.stderr);
    let ceilings: Vec<Ceilings> = serde_json::from_str(&measured.stdout).unwrap();
    let [found] = ceilings.as_slice() else {
        panic!("{}", measured.stdout);
    };
    // Any machine copies between 0.1 and 10000 GB/s and multiplies at least 0.1 GFLOP/s.
    let copy = found.copy_bytes_per_s.unwrap();
    assert!((1e8..1e13).contains(&copy.value), "{copy:?}");
    let peak = found.gemm_flops_per_s[&DType::F32];
    assert!((1e8..1e16).contains(&peak.value), "{peak:?}");
    for rate in [copy, peak] {
        assert!(rate.ci95[0] <= rate.value && rate.value <= rate.ci95[1] && rate.n >= 6);
    }

    let results = folder.path().join("results");
    let out = [
        "bench",
        "--model",
        "gpt2",
        "--out",
        results.to_str().unwrap(),
    ];
    for (threads, expected) in [("1", 1), ("2", 0)] {
        let bench = start(&[&out[..], QUICK, &["--threads", threads]].concat());
        assert_eq!(bench.code, Some(0), "{}", bench.stderr);
        let threads: usize = threads.parse().unwrap();
        let records = records(&results);
        let run = records.iter().find(|r| r.spec.threads == threads).unwrap();
        assert_eq!(run.machine.ceilings.len(), expected);
        assert!(run.machine.ceilings.iter().all(|kept| kept == found));
    }
}
