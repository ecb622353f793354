//! ONNX's own checker, and ONNX Runtime as others run it: from the files alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use nongemm_core::conformance::cases;
use nongemm_core::graph::CompositePolicy;

use crate::support::case::Case;
use crate::written;

const POLICIES: [(&str, CompositePolicy); 3] = [
    ("reference", CompositePolicy::Reference),
    ("fused", CompositePolicy::Fused),
    ("parts", CompositePolicy::Parts),
];

/// The Python that has `onnx` and `onnxruntime`: that of `NONGEMM_ONNX_PYTHON`, else the one that
/// `cargo xtask test ort` makes.
fn python() -> PathBuf {
    if let Some(own) = std::env::var_os("NONGEMM_ONNX_PYTHON") {
        return own.into();
    }
    let home = std::env::var_os("HOME").unwrap();
    let cache = std::env::var_os("NONGEMM_CACHE")
        .map_or_else(|| PathBuf::from(home).join(".cache/nongemm"), PathBuf::from);
    cache.join("onnxruntime-1.31.1/bin/python")
}

fn check(folder: &Path, options: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check.py");
    let python = python();
    let run = Command::new(&python)
        .arg(script)
        .arg(folder)
        .args(options)
        .output();
    let run = run.unwrap_or_else(|error| {
        let path = python.display();
        panic!("{path}: {error}; `cargo xtask test ort` sets it up")
    });
    let said = String::from_utf8_lossy(&run.stdout);
    let error = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}{error}");
}

#[test]
fn every_operator_is_valid_onnx_and_computes_what_the_reference_computes() {
    let folder = tempfile::tempdir().unwrap();
    let mut failures = Vec::new();
    for (name, policy) in POLICIES {
        for case in cases().unwrap() {
            let written = written::operator(&folder.path().join(name), &case, policy);
            if let Err(error) = written {
                failures.push(format!("{name} {}: {error:#}", case.id()));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    for level in ["disable", "all"] {
        check(folder.path(), &["--level", level]);
    }
}

#[test]
fn every_small_model_is_valid_onnx_and_computes_what_the_reference_computes() {
    let folder = tempfile::tempdir().unwrap();
    for (name, policy) in POLICIES {
        for case in Case::compared().unwrap() {
            let written = written::small(&folder.path().join(name), &case, policy);
            written.unwrap_or_else(|error| panic!("{name} {}: {error:#}", case.name));
        }
    }
    check(folder.path(), &["--relative"]);
}
