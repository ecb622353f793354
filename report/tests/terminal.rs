//! The terminal report, as it is seen.

mod common;

use common::{doubtful, failed, gpt2, record, row, stream, terminal, tiny, with_ceilings};
use insta::assert_snapshot;
use nongemm_core::op::OpGroup;
use nongemm_core::plugin::{ReportTarget, Reporter, Terminal};
use nongemm_core::record::{Energy, EnergyRow, RunRecord, Status, Timeline, groups};
use nongemm_core::stats::Summary;
use nongemm_report::TerminalReporter;
use proptest::prelude::*;

fn report(runs: &[RunRecord], width: usize) -> String {
    stream(&TerminalReporter, runs, terminal(width))
}

#[test]
fn one_run() {
    assert_snapshot!(report(&[gpt2()], 100));
}

#[test]
fn one_run_on_a_narrow_terminal() {
    assert_snapshot!(report(&[gpt2()], 60));
}

#[test]
fn one_run_at_eighty_columns() {
    assert_snapshot!(report(&[gpt2()], 80));
}

#[test]
fn one_run_on_a_wide_terminal() {
    assert_snapshot!(report(&[gpt2()], 160));
}

#[test]
fn warnings_come_last() {
    assert_snapshot!(report(&[doubtful()], 100));
}

#[test]
fn a_failed_run_is_one_line() {
    assert_snapshot!(report(&[failed()], 100));
}

#[test]
fn several_runs_begin_with_a_table() {
    let mut batch = tiny();
    batch.spec.batch = 8;
    assert_snapshot!(report(&[tiny(), batch, doubtful(), failed()], 100));
}

#[test]
fn levels_of_optimization_are_paired_node_by_node() {
    let run = |level: &str, rows: &[(&str, &str, OpGroup, f64, &[&str])]| {
        let mut run = tiny();
        let settings = &mut run.spec.settings;
        settings.insert("ort.optimization".to_owned(), level.to_owned());
        let modes = &mut run.software.modes;
        modes.insert("optimization".to_owned(), level.to_owned());
        let rows = rows.iter().map(|(id, op, group, us, fused)| {
            let mut row = row(op, *group, &[&[8, 64]], *us);
            row.id = (*id).to_owned();
            row.fused = fused.iter().map(|op| (*op).to_owned()).collect();
            row
        });
        run.profile.as_mut().unwrap().ops = rows.collect();
        run
    };
    let (gemm, sums, gelu) = (OpGroup::Gemm, OpGroup::Arithmetic, OpGroup::Activation);
    let base = run(
        "disable",
        &[
            ("n1", "MatMul", gemm, 40.0, &[]),
            ("n1.1", "Add", sums, 5.0, &[]),
            ("n2", "Gelu", gelu, 9.0, &[]),
            ("n3", "Add", sums, 5.0, &[]),
            ("n4", "Identity", OpGroup::Memory, 1.0, &[]),
        ],
    );
    let all = run(
        "all",
        &[
            ("n1", "MatMul", gemm, 40.0, &[]),
            (
                "BiasGelu",
                "com.microsoft.BiasGelu",
                gelu,
                8.0,
                &["Add", "Gelu"],
            ),
            ("n3", "Add", sums, 4.0, &[]),
        ],
    );
    let text = report(&[all, base], 100);
    let lines = text
        .lines()
        .skip_while(|line| !line.contains("disable → all"));
    let lines: Vec<Vec<&str>> = lines
        .take(5)
        .map(|line| line.split_whitespace().collect())
        .collect();
    let numbers = |line: &[&str]| -> Vec<String> {
        let words = line
            .iter()
            .filter(|word| word.bytes().all(|b| b.is_ascii_digit()));
        words.map(|word| (*word).to_owned()).collect()
    };
    // Calls, fused, removed and remaining ones; times are three digits with a point and a unit.
    let counts: Vec<_> = lines[2..]
        .iter()
        .map(|line| (line[0], numbers(&line[1..]).join(" ")))
        .collect();
    assert!(
        counts
            .iter()
            .any(|(op, n)| *op == "Add" && n.starts_with("2 ") && n.contains("1 0 1")),
        "{text}"
    );
    assert!(
        counts
            .iter()
            .any(|(op, n)| *op == "Gelu" && n.starts_with("1 ") && n.contains("1 0 0")),
        "{text}"
    );
    assert!(
        counts
            .iter()
            .any(|(op, n)| *op == "Identity" && n.starts_with("1 ") && n.contains("0 1 0")),
        "{text}"
    );
}

#[test]
fn the_table_of_runs_on_a_narrow_terminal() {
    let text = report(&[gpt2(), doubtful(), failed()], 60);
    let table: Vec<&str> = text
        .lines()
        .take_while(|line| !line.starts_with('─'))
        .collect();
    assert_snapshot!(table.join("\n"));
}

#[test]
fn colours() {
    let terminal = Terminal {
        width: 80,
        colour: true,
    };
    assert_snapshot!(stream(&TerminalReporter, &[tiny()], terminal).replace('\u{1b}', "ESC"));
}

#[test]
fn device_times_stand_beside_host_times() {
    let mut run = tiny();
    if let Some(profile) = &mut run.profile {
        for op in &mut profile.ops {
            op.device_ns = Some(Summary {
                own_median: 0.0,
                own_ci95: None,
                median: op.host_ns.median * 0.25,
                mad: 1.0,
                n: 31,
                se: None,
            });
        }
        let attributed: f64 = profile.ops.iter().map(|op| op.host_ns.median * 0.25).sum();
        profile.device = Some(Timeline {
            wall_median_ns: attributed * 1.25,
            unattributed_ns: attributed * 0.25,
        });
        run.groups = groups(profile);
    }
    if let Some(memory) = &mut run.memory {
        memory.peak_device_bytes = Some(1 << 30);
    }
    run.energy = Some(Energy::Measured(vec![EnergyRow {
        probe: "nvml".to_owned(),
        gross_j_per_inference: 1.25,
        idle_w: 61.0,
        net_j_per_inference: 0.75,
        windows: 5,
        resolution: "100 ms".to_owned(),
        ..EnergyRow::default()
    }]));
    assert_snapshot!(report(&[run], 110));
}

#[test]
fn mixed_operators_are_neither() {
    let mut ops = tiny().profile.unwrap().ops;
    ops.push(row("attention", OpGroup::Mixed, &[&[8, 16]], 100.0));
    assert_snapshot!(report(&[record("fused", ops)], 80));
}

#[test]
fn nothing_to_report() {
    assert_eq!(report(&[], 80), "no runs\n");
}

#[test]
fn in_a_folder_it_is_a_file_without_colours() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new");
    TerminalReporter
        .report(&[tiny()], &mut ReportTarget::Folder(&out))
        .unwrap();
    let text = std::fs::read_to_string(out.join("report.txt")).unwrap();
    assert_eq!(text, report(&[tiny()], 100));
}

proptest! {
    // The failing input is printed; nothing is written into the source tree.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_line_is_too_wide(width in 0usize..200) {
        let most = width.clamp(60, 160);
        let mut batch = gpt2();
        batch.spec.batch = 64;
        for runs in [vec![gpt2()], vec![gpt2(), batch, doubtful()]] {
            for line in report(&runs, width).lines() {
                prop_assert!(line.chars().count() <= most, "{}: {line}", line.chars().count());
                prop_assert_eq!(line.trim_end(), line);
            }
        }
    }

    #[test]
    fn odd_numbers_do_not_panic(
        values in proptest::collection::vec(any::<f64>(), 6),
        width in 60usize..161,
        ok in any::<bool>(),
    ) {
        let mut run = tiny();
        if let (Some(profile), Some(latency)) = (&mut run.profile, &mut run.latency) {
            profile.wall_median_ns = values[0];
            profile.unattributed_ns = values[1];
            profile.perturbation = values[2];
            profile.ops[1].host_ns.median = values[3];
            latency.median_ns = values[4];
            latency.ci95_ns = [values[5], values[4]];
            run.groups = groups(profile);
        }
        run.status = if ok { Status::Ok } else { Status::Failed };
        report(&[run.clone(), run], width);
    }
}

#[test]
fn a_roofline_where_ceilings_were_measured() {
    let text = stream(&TerminalReporter, &[with_ceilings(gpt2())], terminal(80));
    let (_, roofline) = text.split_once("Ceilings measured").unwrap();
    let (roofline, _) = roofline.split_once("Closure").unwrap();
    assert_snapshot!(roofline);
}
