//! `nongemm registry`.

mod common;

use std::path::Path;

use common::book::root;
use common::{bench, run};
use nongemm_core::registry::{OperatorRegistry, encode, read};

fn registry(args: &[&str]) -> common::Done {
    run(&[&["registry"], args].concat())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

/// The entries of a file, all of whose lines are some.
fn entries(file: &Path) -> OperatorRegistry {
    let found = read(file).expect("a registry");
    assert_eq!(found.refused, []);
    found.registry
}

#[test]
fn the_shipped_preset_is_what_its_command_makes() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("again.registry");
    let shipped = root().join("operators/registry");
    let done = registry(&[
        "capture",
        text(&root().join("experiments/registry.toml")),
        "--with",
        text(&shipped.join("seen.registry")),
        "--out",
        text(&out),
    ]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let shipped = entries(&shipped.join("preset.registry"));
    let again = entries(&out);
    assert_eq!(again.len(), shipped.len());
    // Unpacked, so that another release of the compressor is no difference.
    assert_eq!(again, shipped);
    assert_eq!(encode(&again), encode(&shipped));
}

#[test]
fn stats_count_the_preset_and_json_is_alone() {
    let done = registry(&["stats", "--json"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let stats: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    let count = |value: &serde_json::Value| value.as_u64().expect("a count");
    assert!(count(&stats["non_gemm"]) >= 1460, "{}", stats["non_gemm"]);
    let groups = stats["groups"].as_object().expect("groups");
    let sum: u64 = groups.values().map(|group| count(&group["entries"])).sum();
    assert_eq!(sum, count(&stats["entries"]));
    assert_eq!(
        count(&stats["entries"]),
        count(&stats["gemm"]) + count(&stats["non_gemm"])
    );
    assert_eq!(
        stats["models"].as_object().map(serde_json::Map::len),
        Some(18)
    );

    let plain = registry(&["stats", "--filter", "group=roi"]);
    assert!(plain.stdout.contains("roi_align"), "{}", plain.stdout);
    assert!(plain.stdout.contains("nms"), "{}", plain.stdout);
}

#[test]
fn a_filter_takes_what_it_says() {
    let expression = "group=normalization and model=gpt2 and batch=1 and seq=8";
    let done = registry(&["list", "--json", "--filter", expression]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let entries: Vec<nongemm_core::registry::Entry> =
        serde_json::from_str(&done.stdout).expect("entries");
    assert_eq!(entries.len(), 1, "{}", done.stdout);
    assert_eq!(entries[0].call.instance.op, "layer_norm");
    // Two in each of 12 layers, and the last one.
    let calls: u64 = entries[0].met.iter().map(|met| met.count).sum();
    assert_eq!(calls, 25);
}

#[test]
fn a_wrong_filter_is_pointed_into() {
    let done = registry(&["stats", "--filter", "group=memory and grop=roi"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""));
    let mut lines = done.stderr.lines();
    let first = lines.next().expect("a line");
    assert!(first.starts_with(
        "nongemm: filter, column 18: unknown key `grop`; did you mean `group`?; known: "
    ));
    assert_eq!(lines.next(), Some("  group=memory and grop=roi"));
    assert_eq!(lines.next(), Some("                   ^"));
    assert_eq!(lines.next(), None);
}

#[test]
fn runs_become_entries_and_merge() {
    let dir = tempfile::tempdir().expect("a folder");
    let results = dir.path().join("results");
    let done = bench(&results, &["--model", "gpt2"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let graph = dir.path().join("graph.registry");
    let small = ["--set", "preset=small", "--seq", "8", "--out", text(&graph)];
    let done = registry(&[&["capture", "--model", "gpt2"], small.as_slice()].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let both = dir.path().join("both.registry");
    let done = registry(&["merge", text(&results), text(&graph), "--out", text(&both)]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    // What a run met is what its graph holds: merging adds nothing.
    let graph = entries(&graph);
    assert_eq!(entries(&both), graph);
    assert!(!graph.is_empty());
}

#[test]
fn unknown_sources_and_damaged_files_are_one_line() {
    let done = registry(&["stats", "--registry", "presett"]);
    assert_eq!(done.code, Some(2));
    assert_eq!(
        done.stderr,
        "nongemm: unknown preset `presett`; did you mean `preset`? (`nongemm list presets` shows \
         all); nor is it a registry file or a folder with results\n"
    );
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("broken.registry");
    std::fs::write(&file, b"no registry").expect("a file");
    let done = registry(&["stats", "--registry", text(&file)]);
    assert_eq!(done.code, Some(2));
    assert!(
        done.stderr
            .contains("broken.registry is not an operator registry"),
        "{}",
        done.stderr
    );
    assert_eq!(done.stderr.lines().count(), 1);
}

#[test]
fn operator_input_files_travel_both_ways() {
    let dir = tempfile::tempdir().expect("a folder");
    let inputs = dir.path().join("inputs.txt");
    let filter = ["--filter", "group=normalization and model=bert"];
    let out = ["--out", text(&inputs)];
    let done = registry(&[["export"].as_slice(), &filter, &out].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let back = dir.path().join("back.registry");
    let done = registry(&["import", text(&inputs), "--out", text(&back)]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stderr.ends_with(" 0 lines refused\n"),
        "{}",
        done.stderr
    );
    let listed = registry(&[["list"].as_slice(), &filter].concat()).stdout;
    assert_eq!(entries(&back).len(), listed.lines().count());
    assert!(!listed.is_empty());
}
