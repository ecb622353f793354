//! `nongemm bench` on small models: from flags and manifests to records.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs;

use common::{bench, records, run};
use nongemm_core::record::{Energy, RunRecord, Status, UNATTRIBUTED};

fn check_record(record: &RunRecord) {
    let id = &record.id;
    assert_eq!(record.status, Status::Ok, "{id}: {:?}", record.error);
    let latency = record.latency.as_ref().expect("latency");
    assert_eq!(latency.n, latency.samples_ns.len());
    assert!(latency.n >= 3, "{id}");
    assert!(latency.ci95_ns[0] <= latency.median_ns && latency.median_ns <= latency.ci95_ns[1]);
    let profile = record.profile.as_ref().expect("profile");
    let sum: f64 = profile.ops.iter().map(|op| op.host_ns.median).sum();
    let difference = (sum + profile.unattributed_ns - profile.wall_median_ns).abs();
    assert!(
        difference <= 1e-9 * profile.wall_median_ns,
        "{id}: closure off by {difference}"
    );
    let by_group: f64 = record.groups.values().map(|group| group.ns).sum();
    assert!(
        (by_group - profile.wall_median_ns).abs() <= 1e-9 * profile.wall_median_ns,
        "{id}"
    );
    let shares: f64 = record.groups.values().map(|group| group.share).sum();
    assert!(
        (shares - 1.0).abs() < 1e-9,
        "{id}: shares add up to {shares}"
    );
    let counted: usize = record.groups.values().map(|group| group.count).sum();
    assert_eq!(
        counted,
        profile.ops.len(),
        "{id}: every operator is in one group"
    );
    assert!(record.groups.contains_key(UNATTRIBUTED));
    assert!(!record.groups.contains_key("unclassified"), "{id}");
    assert!(
        profile.ops.iter().all(|op| op.host_ns.n == profile.n),
        "{id}"
    );
    let known = |op: &nongemm_core::record::OpRow| {
        op.inputs
            .iter()
            .chain(&op.outputs)
            .all(|spec| spec.shape.known().is_some())
    };
    assert!(
        profile.ops.iter().all(known),
        "{id}: shapes are those really seen"
    );
    assert!(record.checks.as_ref().expect("checks").finite);
    let memory = record.memory.expect("memory");
    assert!(memory.peak_rss_bytes.expect("Linux tells") > memory.weights_bytes);
}

#[test]
fn every_model_runs_and_its_numbers_add_up() {
    let out = tempfile::tempdir().unwrap();
    let listed = run(&["list", "models", "--json"]).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let done = bench(out.path(), &["--model", "all"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let records = records(out.path());
    assert_eq!(records.len(), listed.as_array().unwrap().len());
    records.iter().for_each(check_record);
    for record in &records {
        assert!(done.stdout.contains(&record.spec.model), "{}", done.stdout);
    }
}

#[test]
fn new_gelu_is_eight_operators_under_one_parent_and_counts_as_activation() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(bench(out.path(), &["--model", "gpt2"]).code, Some(0));
    let record = records(out.path()).remove(0);
    let ops = record.profile.expect("profile").ops;
    let parts: Vec<&str> = ops
        .iter()
        .filter(|op| op.parent.as_deref() == Some("new_gelu") && op.scope.contains("h.0."))
        .map(|op| op.op.as_str())
        .collect();
    assert_eq!(
        parts,
        ["mul", "pow", "mul", "add", "mul", "tanh", "add", "mul"]
    );
    let mul = ops
        .iter()
        .find(|op| op.op == "mul" && op.parent.is_some())
        .expect("a part");
    assert_eq!(mul.group.name(), "activation");
    assert_eq!(mul.part_group.expect("its own group").name(), "arithmetic");
}

#[test]
fn a_fused_composite_is_one_operator_and_gives_the_same_outputs() {
    let out = tempfile::tempdir().unwrap();
    let head = |out: &std::path::Path| {
        let record = records(out).remove(0);
        record.checks.expect("checks").head["logits"].clone()
    };
    assert_eq!(bench(out.path(), &["--model", "gpt2"]).code, Some(0));
    let parts = head(out.path());
    let out = tempfile::tempdir().unwrap();
    let done = bench(
        out.path(),
        &["--model", "gpt2", "--set", "composites=fused"],
    );
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let record = records(out.path()).remove(0);
    let ops = &record.profile.as_ref().expect("profile").ops;
    assert!(ops.iter().any(|op| op.op == "new_gelu"));
    for (a, b) in parts.iter().zip(head(out.path())) {
        assert!((a - b).abs() < 1e-3 * b.abs().max(1.0), "{a} {b}");
    }
}

#[test]
fn outputs_of_the_same_model_are_compared() {
    let out = tempfile::tempdir().unwrap();
    let manifest = out.path().join("m.toml");
    fs::write(
        &manifest,
        "[[run]]\nmodel = [\"gpt2\"]\n[[run]]\nmodel = [\"gpt2\"]\n[run.set]\ncomposites = \"fused\"\n\
         [[run]]\nmodel = [\"gpt2\"]\n[run.set]\nlayers = 1\n",
    )
    .unwrap();
    let results = out.path().join("results");
    let done = bench(&results, &[manifest.to_str().unwrap()]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let records = records(&results);
    let of = |key: &str| {
        let run = records.iter().find(|r| r.spec.settings.contains_key(key));
        run.expect("it ran").checks.as_ref().expect("checks")
    };
    let fused = of("composites").reference.as_ref().expect("compared");
    assert_eq!(fused.backend, "candle");
    assert!(fused.within && fused.max_abs_err > 0.0, "{fused:?}");
    assert!(of("layers").reference.is_none(), "another model");
    let compared = records
        .iter()
        .filter_map(|r| r.checks.as_ref()?.reference.as_ref());
    assert_eq!(compared.count(), 1, "the first run is the reference");
    assert!(
        done.stdout.contains("from those of candle on cpu"),
        "{}",
        done.stdout
    );
    let left = fs::read_dir(&results).unwrap().count();
    assert_eq!(left, 3, "nothing but results stays");
}

#[test]
fn a_manifest_is_a_matrix_and_flags_override_it() {
    let out = tempfile::tempdir().unwrap();
    let manifest = out.path().join("m.toml");
    fs::write(
        &manifest,
        "[measure]\nmin-samples = 3\n[[run]]\nmodel = [\"gpt2\", \"bert\"]\nbatch = [1, 2]\n\
         [classify]\nsoftmax = \"arithmetic\"\n",
    )
    .unwrap();
    let results = out.path().join("results");
    let done = bench(&results, &[manifest.to_str().unwrap()]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let all = records(&results);
    assert_eq!(all.len(), 4);
    assert!(
        all.iter()
            .all(|record| !record.groups.contains_key("logit"))
    );
    let one = out.path().join("one");
    let done = bench(
        &one,
        &[
            manifest.to_str().unwrap(),
            "--model",
            "bert",
            "--batch",
            "3",
        ],
    );
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let all = records(&one);
    assert_eq!((all.len(), all[0].spec.batch), (1, 3));
}

#[test]
fn the_same_run_gives_the_same_outputs() {
    let outputs: Vec<_> = (0..2)
        .map(|_| {
            let out = tempfile::tempdir().unwrap();
            assert_eq!(bench(out.path(), &["--model", "resnet50"]).code, Some(0));
            records(out.path()).remove(0).checks.expect("checks").head
        })
        .collect();
    assert_eq!(outputs[0], outputs[1]);
}

#[test]
fn results_become_reports() {
    let out = tempfile::tempdir().unwrap();
    let results = out.path().join("results");
    assert_eq!(bench(&results, &["--model", "gpt2,bert"]).code, Some(0));
    let results = results.to_str().unwrap();
    let terminal = run(&["report", results]);
    assert_eq!(terminal.code, Some(0), "{}", terminal.stderr);
    assert!(terminal.stdout.contains("gpt2") && terminal.stdout.contains("bert"));
    let json = run(&["report", results, "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(value["runs"].as_array().unwrap().len(), 2);
    let reports = out.path().join("reports");
    let done = run(&[
        "report",
        results,
        "--format",
        "json,csv,html,svg,png",
        "--against",
        "paper",
        "--out",
        reports.to_str().unwrap(),
    ]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    for file in [
        "report.json",
        "runs.csv",
        "operators.csv",
        "groups.csv",
        "report.html",
        "groups-candle.svg",
        "groups-candle.png",
        "paper.txt",
        "paper.csv",
    ] {
        assert!(reports.join(file).is_file(), "{file}");
    }
}

#[test]
fn json_is_alone_on_standard_output() {
    let out = tempfile::tempdir().unwrap();
    let done = bench(out.path(), &["--model", "gpt2", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(value["runs"][0]["schema"], 1);
}

#[test]
fn peak_memory_is_what_the_system_reports_from_outside() {
    let out = tempfile::tempdir().unwrap();
    let args = ["--model", "gpt2", "--set", "layers=2"];
    let results = out.path().to_str().unwrap();
    let base = [
        "bench",
        "--out",
        results,
        "--backend",
        "candle",
        "--seq",
        "8",
    ];
    let short = ["--max-time", "200ms", "--min-samples", "3"];
    let done = run(&[&base[..], &args, &short].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let record = records(out.path()).remove(0);
    let own = record.memory.unwrap().peak_rss_bytes.expect("Linux tells") as f64;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage writes one `rusage` to the given address, which is valid for it.
    assert_eq!(
        unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) },
        0
    );
    // SAFETY: it succeeded, so it has written the whole value. The largest of the processes that ended is
    // the worker.
    let outside = unsafe { usage.assume_init() }.ru_maxrss as f64 * 1024.0;
    assert!(
        own <= 1.05 * outside && own >= 0.95 * outside,
        "{own} {outside}"
    );
}

#[test]
fn energy_is_measured_or_there_is_a_reason() {
    let out = tempfile::tempdir().unwrap();
    let energy = |args: &[&str]| {
        let done = bench(out.path(), &[&["--model", "gpt2"], args].concat());
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        records(out.path()).remove(0).energy.expect("energy")
    };
    match energy(&[]) {
        Energy::Measured(rows) => assert!(rows.iter().all(|row| row.inferences > 0)),
        Energy::Unavailable { unavailable } => {
            for probe in ["hwmon", "nvml", "rapl"] {
                assert!(unavailable.contains(probe), "{probe}: {unavailable}");
            }
        }
    }
    let off = Energy::Unavailable {
        unavailable: "not asked for (energy = false)".to_owned(),
    };
    assert_eq!(energy(&["--no-energy"]), off);
}

#[test]
fn waiting_for_a_calm_machine_is_recorded_and_has_a_limit() {
    let out = tempfile::tempdir().unwrap();
    let done = bench(out.path(), &["--model", "gpt2", "--wait-quiet", "1s"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let noise = records(out.path()).remove(0).noise.expect("noise");
    let waited = noise.waited_ns.expect("it waited");
    assert!((450_000_000..5_000_000_000).contains(&waited), "{waited}");
    assert!(noise.was_calm.is_some());
}
