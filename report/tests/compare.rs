//! Comparisons: who is paired with whom, what is found, and that nothing is found where nothing changed.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::path::Path;

use common::changes::{Noise, assert_adds_up, flagged, flags, measured};
use common::{failed, gpt2, row, terminal, tiny};
use insta::assert_snapshot;
use nongemm_core::dtype::DType;
use nongemm_core::op::OpGroup;
use nongemm_core::record::{Profile, RunRecord, groups, store};
use nongemm_report::compare::{Comparison, Part, Verdict, show};

const THRESHOLD: f64 = 0.05;

fn same(_: &str) -> f64 {
    1.0
}

fn softmax_three_times(op: &str) -> f64 {
    if op == "softmax" { 3.0 } else { 1.0 }
}

#[test]
fn a_record_is_the_same_as_itself() {
    let runs = [gpt2(), tiny()];
    let comparison = Comparison::of(&runs, &runs, THRESHOLD);
    assert_eq!(comparison.pairs.len(), 2);
    assert!(!comparison.has_regressed());
    assert_eq!(flags(&comparison), Vec::<String>::new());
    assert_adds_up(&comparison);
    let latency = comparison.pairs[0].latency.unwrap();
    assert_eq!(latency.verdict, Verdict::Same);
    assert_eq!(latency.ratio, Some(1.0));
}

#[test]
fn a_slower_operator_is_found_with_its_group_and_its_cost() {
    let mut noise = Noise::new(1, 0.01, 0.02);
    let base = [measured(&gpt2(), &mut noise, same)];
    let new = [measured(&gpt2(), &mut noise, |op| match op {
        "softmax" => 20.0,
        _ => 1.0,
    })];
    let comparison = Comparison::of(&base, &new, THRESHOLD);
    assert!(comparison.has_regressed());
    assert_adds_up(&comparison);
    let profile = comparison.pairs[0].profile.as_ref().unwrap();
    assert_eq!(profile.groups[0].name, "logit");
    assert_eq!(profile.groups[0].change.unwrap().verdict, Verdict::Slower);
    assert_eq!(profile.kinds[0].name, "softmax");
    assert_eq!(profile.kinds[0].calls, [12, 12]);
    let names = |parts: &[Part]| -> Vec<String> {
        flagged(parts)
            .into_iter()
            .map(|part| part.name.clone())
            .collect()
    };
    assert_eq!(names(&profile.kinds), ["softmax"]);
    assert_eq!(names(&profile.operators), ["softmax"; 12]);
    let ratio = profile.kinds[0].change.unwrap().ratio.unwrap();
    assert!((18.0..22.0).contains(&ratio), "{ratio}");
}

#[test]
fn a_faster_one_too_and_it_is_no_regression() {
    let mut noise = Noise::new(2, 0.01, 0.02);
    let base = [measured(&gpt2(), &mut noise, softmax_three_times)];
    let new = [measured(&gpt2(), &mut noise, same)];
    let comparison = Comparison::of(&base, &new, THRESHOLD);
    assert!(!comparison.has_regressed());
    let profile = comparison.pairs[0].profile.as_ref().unwrap();
    let softmax = profile.kinds.iter().find(|part| part.name == "softmax");
    assert_eq!(softmax.unwrap().change.unwrap().verdict, Verdict::Faster);
}

#[test]
fn changes_within_the_threshold_are_none() {
    let mut noise = Noise::new(3, 0.0, 0.01);
    let base = [measured(&gpt2(), &mut noise, same)];
    let new = [measured(&gpt2(), &mut noise, |_| 1.02)];
    let comparison = Comparison::of(&base, &new, THRESHOLD);
    assert_eq!(comparison.pairs[0].latency.unwrap().verdict, Verdict::Same);
    let strict = Comparison::of(&base, &new, 0.001);
    assert_eq!(strict.pairs[0].latency.unwrap().verdict, Verdict::Slower);
    assert!(strict.has_regressed());
}

#[test]
fn repetitions_tell_how_much_runs_differ() {
    // Processes differ by 6%, which no single run shows.
    let mut noise = Noise::new(4, 0.06, 0.002);
    let mut side = |slower: f64| -> Vec<RunRecord> {
        (0..4)
            .map(|_| measured(&gpt2(), &mut noise, |_| slower))
            .collect()
    };
    let (base, again, slower) = (side(1.0), side(1.0), side(1.6));
    let comparison = Comparison::of(&base, &again, THRESHOLD);
    assert_eq!(comparison.pairs[0].base.records, 4);
    assert_eq!(flags(&comparison), Vec::<String>::new());
    assert_adds_up(&comparison);
    let comparison = Comparison::of(&base, &slower, THRESHOLD);
    assert_eq!(
        comparison.pairs[0].latency.unwrap().verdict,
        Verdict::Slower
    );
    assert!(comparison.has_regressed());
    // One record of each is not enough to be sure, and says so.
    let single = Comparison::of(&base[..1], &again[..1], THRESHOLD);
    assert!(single.pairs[0].notes[0].starts_with("one record a side"));
}

#[test]
fn where_nothing_changed_next_to_nothing_is_flagged() {
    // 5% is what the level allows of repeated runs; that processes differ by no more than the threshold is what
    // single ones assume.
    let mut noise = Noise::new(5, 0.01, 0.02);
    let mut count = |records: usize, pairs: usize| -> (usize, usize) {
        let mut side = || -> Vec<RunRecord> {
            (0..records)
                .map(|_| measured(&gpt2(), &mut noise, same))
                .collect()
        };
        let found: Vec<Vec<String>> = (0..pairs)
            .map(|_| flags(&Comparison::of(&side(), &side(), THRESHOLD)))
            .collect();
        let latencies = found
            .iter()
            .flatten()
            .filter(|flag| flag.starts_with("latency"));
        (
            latencies.count(),
            found.iter().filter(|flags| !flags.is_empty()).count(),
        )
    };
    let (latencies, any) = count(1, 40);
    assert_eq!(latencies, 0);
    assert!(any <= 4, "{any} of 40");
    let (latencies, any) = count(3, 40);
    assert_eq!(latencies, 0);
    assert!(any <= 4, "{any} of 40");
}

#[test]
fn operators_that_only_one_side_has_count_in_full() {
    let base = gpt2();
    let mut new = gpt2();
    let profile: &mut Profile = new.profile.as_mut().unwrap();
    let removed = profile.ops.remove(5).host_ns.median;
    profile
        .ops
        .push(row("fused", OpGroup::Mixed, &[&[1, 128]], 500.0));
    let change = 500e3 - removed;
    profile.wall_median_ns += change;
    new.groups = groups(profile);
    let comparison = Comparison::of(&[base], &[new], THRESHOLD);
    assert_adds_up(&comparison);
    let profile = comparison.pairs[0].profile.as_ref().unwrap();
    assert!((profile.difference_ns - change).abs() < 1.0);
    let alone: Vec<&Part> = profile
        .operators
        .iter()
        .filter(|p| p.change.is_none())
        .collect();
    assert_eq!(alone.len(), 2);
    assert!(
        alone
            .iter()
            .any(|part| part.name == "fused" && part.calls == [0, 1])
    );
}

#[test]
fn runs_that_differ_in_one_thing_are_paired_and_it_is_pointed_out() {
    let (base, mut new) = (gpt2(), gpt2());
    new.spec.dtype = DType::BF16;
    new.spec.threads = 8;
    new.machine.cpu = "another".to_owned();
    new.software
        .libraries
        .insert("candle-core".to_owned(), "0.12.0".to_owned());
    let comparison = Comparison::of(&[base, tiny()], &[new, failed()], THRESHOLD);
    assert_eq!(comparison.pairs.len(), 1);
    assert_eq!(comparison.only_base, [tiny().id]);
    assert_eq!(comparison.only_new, [failed().id]);
    let differences = &comparison.pairs[0].differences;
    let differences: Vec<String> = differences
        .iter()
        .map(|d| format!("{}: {} → {}", d.what, d.base, d.new))
        .collect();
    assert_eq!(
        differences,
        [
            "dtype: f32 → bf16",
            "threads: 2 → 8",
            "cpu: AMD EPYC 7763 → another",
            "library candle-core: 0.11.1 → 0.12.0"
        ]
    );
    // Two candidates: nobody guesses.
    let mut other = gpt2();
    other.spec.threads = 4;
    let mut third = gpt2();
    third.spec.threads = 8;
    let comparison = Comparison::of(&[gpt2()], &[other, third], THRESHOLD);
    assert!(comparison.pairs.is_empty());
}

#[test]
fn a_run_that_fails_now_is_a_regression() {
    let mut now = failed();
    now.spec = gpt2().spec;
    let comparison = Comparison::of(&[gpt2()], &[now.clone()], THRESHOLD);
    assert!(comparison.has_regressed());
    assert_eq!(comparison.pairs[0].latency, None);
    assert!(!Comparison::of(&[now], &[gpt2()], THRESHOLD).has_regressed());
}

/// Records of one machine, between which nothing changed: in `a` and `b` six of a small model, while the machine was
/// busy; in `single` two of a large one, by a version that kept no standard errors.
fn recorded(place: &str) -> Vec<RunRecord> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/aa");
    let loaded = store::load(&[folder.join(place)]).unwrap();
    assert!(loaded.skipped.is_empty(), "{:?}", loaded.skipped);
    loaded.records
}

#[test]
fn recorded_repetitions_are_not_told_apart_however_they_are_divided() {
    let all = [recorded("a"), recorded("b")].concat();
    assert_eq!(all.len(), 6);
    for chosen in 0u32..64 {
        if chosen.count_ones() != 3 {
            continue;
        }
        let side = |bit: u32| -> Vec<RunRecord> {
            let of_side = |(i, _): &(usize, &RunRecord)| (chosen >> i) & 1 == bit;
            let runs = all.iter().enumerate().filter(of_side);
            runs.map(|(_, run)| run.clone()).collect()
        };
        let (base, new) = (side(0), side(1));
        let comparison = Comparison::of(&base, &new, THRESHOLD);
        assert_adds_up(&comparison);
        // The machine was at times half as fast. Of the 20 ways, two have all that is slow on one side: no one
        // could tell that from a change.
        let median = |run: &RunRecord| run.latency.as_ref().unwrap().median_ns;
        let bounds = |runs: &[RunRecord]| {
            let medians = runs.iter().map(median);
            medians.fold((f64::MAX, 0f64), |(low, high), ns| {
                (low.min(ns), high.max(ns))
            })
        };
        let ((low, high), (new_low, new_high)) = (bounds(&base), bounds(&new));
        let is_separated = high < new_low || new_high < low;
        if !is_separated {
            assert_eq!(flags(&comparison), Vec::<String>::new(), "{chosen:06b}");
            assert!(!comparison.has_regressed());
        }
    }
}

#[test]
fn two_recorded_runs_are_not_told_apart_but_a_slower_kernel_is() {
    let runs = recorded("single");
    let [a, b] = [&runs[..1], &runs[1..]];
    for (base, new) in [(a, b), (b, a)] {
        let comparison = Comparison::of(base, new, THRESHOLD);
        assert_eq!(flags(&comparison), Vec::<String>::new());
        assert_adds_up(&comparison);
    }
    let mut slower = b.to_vec();
    let profile = slower[0].profile.as_mut().unwrap();
    for op in profile.ops.iter_mut().filter(|op| op.op == "softmax") {
        op.host_ns.median *= 20.0;
        op.host_ns.mad *= 20.0;
    }
    slower[0].groups = groups(profile);
    let found = Comparison::of(a, &slower, THRESHOLD);
    let profile = found.pairs[0].profile.as_ref().unwrap();
    let names: Vec<&str> = flagged(&profile.kinds)
        .iter()
        .map(|part| part.name.as_str())
        .collect();
    assert_eq!(names, ["softmax"]);
}

fn example() -> Comparison {
    let mut noise = Noise::new(7, 0.01, 0.02);
    let base = [measured(&gpt2(), &mut noise, same), tiny()];
    let mut new = [measured(&gpt2(), &mut noise, softmax_three_times), failed()];
    new[0]
        .software
        .libraries
        .insert("candle-core".to_owned(), "0.12.0".to_owned());
    Comparison::of(&base, &new, 0.02)
}

#[test]
fn on_a_terminal() {
    for width in [80, 120] {
        let text = show::terminal(&example(), terminal(width));
        assert!(
            text.lines().all(|line| line.chars().count() <= width),
            "{text}"
        );
        assert_snapshot!(format!("terminal_{width}"), text);
    }
}

#[test]
fn as_markdown() {
    assert_snapshot!(show::markdown(&example()));
}

#[test]
fn as_json() {
    let json: serde_json::Value = serde_json::from_str(&show::json(&example()).unwrap()).unwrap();
    let operators = &json["pairs"][0]["profile"]["operators"];
    assert_eq!(
        operators.as_array().unwrap().len(),
        gpt2().profile.unwrap().ops.len()
    );
    assert_eq!(json["threshold"], 0.02);
}

#[test]
fn hostile_names_stay_names() {
    for name in [
        "a|b",
        "`x`",
        "``",
        "<img src=x>",
        "@someone #1",
        "a\n| b |\u{1b}[2J",
        " ",
    ] {
        let mut run = tiny();
        run.spec.model = name.to_owned();
        run.machine.cpu = name.to_owned();
        run.profile.as_mut().unwrap().ops[0].op = name.to_owned();
        let mut other = run.clone();
        other.machine.cpu = format!("{name}!");
        let comparison = Comparison::of(&[run], &[other], THRESHOLD);
        let markdown = show::markdown(&comparison);
        assert!(!markdown.contains('\u{1b}'));
        for line in markdown.lines().filter(|line| line.starts_with('|')) {
            // Bars that are not escaped separate cells: seven, or five in the first table.
            let cells = line.replace("\\|", "").matches('|').count();
            assert!(cells == 8 || cells == 6, "{line}");
        }
        assert!(!markdown.lines().any(|line| line.starts_with("| b |")));
        let text = show::terminal(&comparison, terminal(80));
        assert!(!text.contains('\u{1b}'));
    }
}
