//! A crate that is no member of the workspace adds a model with an operator of its own, and a probe.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::book::root;
use common::{Done, done, records};
use nongemm_core::record::{Outcome, Status, micro_store};

fn example() -> PathBuf {
    root().join("examples/plugin")
}

/// Runs cargo on the example, into this workspace's target folder: what both depend on is not built again.
fn cargo(command: &str) -> PathBuf {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_nongemm"));
    let target = binary
        .parent()
        .and_then(Path::parent)
        .expect("target/debug/nongemm");
    let mut cargo = Command::new(env!("CARGO"));
    // Those of this test: build scripts that read them would run again, and all that depends on them.
    let own = std::env::vars().map(|(name, _)| name);
    for name in
        own.filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    {
        cargo.env_remove(name);
    }
    let status = cargo
        .arg("--config")
        .arg(root().join("examples/outside.toml"))
        .args([command, "--quiet", "--locked", "--all-targets"])
        .current_dir(example())
        .env("CARGO_TARGET_DIR", target)
        .status()
        .unwrap();
    assert!(status.success(), "cargo {command} of the example fails");
    target.join("debug").join("nongemm-plugin-example")
}

fn nongemm(binary: &Path, args: &[&str]) -> Done {
    let temperature = example().join("tests/temperature");
    let mut command = Command::new(binary);
    command.args(args).env("RACK_TEMPERATURE", temperature);
    done(&command.output().unwrap())
}

fn run(binary: &Path, args: &[&str]) -> String {
    let done = nongemm(binary, args);
    assert_eq!(done.code, Some(0), "{args:?}: {}", done.stderr);
    done.stdout
}

fn line<'t>(text: &'t str, start: &str) -> &'t str {
    let line = text.lines().find(|line| line.starts_with(start));
    line.unwrap_or_else(|| panic!("no {start} in\n{text}"))
}

#[test]
fn a_foreign_crate_is_built_listed_benched_and_tests_itself() {
    // Its tests are the conformance suite on its operator.
    cargo("test");
    let binary = cargo("build");
    for (kind, id) in [("models", "toy-mlp"), ("probes", "rack")] {
        let listed = run(&binary, &["list", kind]);
        assert!(
            line(&listed, id).ends_with("nongemm-plugin-example"),
            "{listed}"
        );
    }
    let models = run(&binary, &["list", "models"]);
    assert!(models.contains("gpt2"), "the others are still there");
    let operators = run(&binary, &["list", "operators"]);
    let operator = line(&operators, "squared_relu");
    assert!(operator.contains("activation"), "{operator}");
    assert!(operator.contains("candle,ort"), "{operator}");

    let out = tempfile::tempdir().unwrap();
    for policy in ["reference", "parts"] {
        let results = out.path().join(policy);
        let composites = format!("composites={policy}");
        let args = ["bench", "--model", "toy-mlp", "--set", &composites, "--out"];
        run(&binary, &[&args[..], &[results.to_str().unwrap()]].concat());
        let record = records(&results).remove(0);
        assert_eq!(record.status, Status::Ok, "{:?}", record.error);
        // Hotter than any sensor of the machine: the probe's own reading.
        assert_eq!(record.noise.unwrap().temperature_c, Some(432.1));
        let ops = record.profile.expect("profile").ops;
        let names: Vec<&str> = ops.iter().map(|op| op.op.as_str()).collect();
        if policy == "parts" {
            assert!(
                names.contains(&"relu") && names.contains(&"mul"),
                "{names:?}"
            );
            let relu = ops.iter().find(|op| op.op == "relu").unwrap();
            assert_eq!(relu.parent.as_deref(), Some("squared_relu"));
        } else {
            assert!(names.contains(&"squared_relu"), "{names:?}");
            assert!(record.groups.contains_key("activation"));
        }
    }
    microbench(
        &binary,
        &out.path().join("reference"),
        &out.path().join("micro"),
    );
}

/// The operator alone, with the inputs that it had in the model.
fn microbench(binary: &Path, from: &Path, out: &Path) {
    let [from, to] = [from, out].map(|path| path.to_str().unwrap());
    let args = ["micro", "--quick", "--backend", "candle", "--threads", "1"];
    let folders = ["--from", from, "--out", to];
    run(binary, &[&args[..], &folders].concat());
    let folder = fs::read_dir(out).unwrap().next().expect("a result");
    let file = folder.unwrap().path().join("micro.json");
    let entries = micro_store::read(&file).unwrap().entries;
    let mut own = entries
        .iter()
        .filter(|entry| entry.call.op == "squared_relu");
    let outcome = &own.next().expect("its own operator").outcome;
    assert!(matches!(outcome, Outcome::Ok(_)), "{outcome:?}");
}

/// What the example shows, it shows in so many lines: those that are neither empty nor comments.
#[test]
fn the_example_is_short() {
    let mut lines = 0;
    for folder in ["src", "tests"] {
        for entry in fs::read_dir(example().join(folder)).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let code = text.lines().map(str::trim);
            lines += code
                .filter(|l| !l.is_empty() && !l.starts_with("//"))
                .count();
        }
    }
    assert!(lines < 150, "{lines} lines");
}
