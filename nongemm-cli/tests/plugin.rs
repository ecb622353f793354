//! A crate that is no member of the workspace adds a model with an operator of its own.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::records;
use nongemm_core::record::Status;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/plugin")
}

/// Builds the example into this workspace's target folder, so that dependencies are not built again.
fn build() -> PathBuf {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_nongemm"));
    let target = binary
        .parent()
        .and_then(Path::parent)
        .expect("target/debug/nongemm");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked"])
        .current_dir(example())
        .env("CARGO_TARGET_DIR", target)
        .status()
        .unwrap();
    assert!(status.success(), "the example does not build");
    target.join("debug").join("nongemm-plugin-example")
}

fn run(binary: &Path, args: &[&str]) -> String {
    let output = Command::new(binary).args(args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_foreign_crate_is_built_listed_and_benched() {
    let binary = build();
    let models = run(&binary, &["list", "models"]);
    let line = models
        .lines()
        .find(|line| line.starts_with("toy-mlp"))
        .expect("listed");
    assert!(line.ends_with("nongemm-plugin-example"), "{line}");
    assert!(models.contains("gpt2"), "the others are still there");
    let operators = run(&binary, &["list", "operators"]);
    let line = operators
        .lines()
        .find(|l| l.starts_with("squared_relu"))
        .expect("listed");
    assert!(
        line.contains("activation") && line.contains("candle"),
        "{line}"
    );

    let out = tempfile::tempdir().unwrap();
    for policy in ["reference", "parts"] {
        let results = out.path().join(policy);
        let composites = format!("composites={policy}");
        let args = ["bench", "--model", "toy-mlp", "--set", &composites, "--out"];
        run(&binary, &[&args[..], &[results.to_str().unwrap()]].concat());
        let record = records(&results).remove(0);
        assert_eq!(record.status, Status::Ok, "{:?}", record.error);
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
}
