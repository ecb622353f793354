//! `nongemm slurm`: the script, and a real Slurm that runs it where there is one.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{records, run, wait_for};
use nongemm_core::record::Status;

const MANIFEST: &str = "name = \"a suite\"\n[measure]\nmin-samples = 3\nmax-time = \"200ms\"\n[[run]]\n\
    model = [\"gpt2\", \"bert\", \"resnet50\"]\nseq = 8\nimage = 64\n[run.set]\npreset = \"small\"\n";

fn manifest(folder: &Path, text: &str) -> String {
    let file = folder.join("it's a suite.toml");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn the_script_is_valid_and_runs_each_part() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = manifest(folder.path(), MANIFEST);
    let out = folder.path().join("results");
    let out = out.to_str().unwrap();
    let done = run(&[
        "slurm",
        &manifest,
        "--array",
        "2",
        "--out",
        out,
        "--sbatch=--time=1:00:00",
    ]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let shown = done
        .stdout
        .replace(folder.path().to_str().unwrap(), "FOLDER")
        .replace(env!("CARGO_BIN_EXE_nongemm"), "NONGEMM");
    insta::assert_snapshot!(shown);
    let script = folder.path().join("job.sh");
    fs::write(&script, &done.stdout).unwrap();
    let syntax = Command::new("bash")
        .arg("-n")
        .arg(&script)
        .status()
        .unwrap();
    assert!(syntax.success());
    for task in ["1", "2"] {
        let mut job = Command::new("bash");
        let ran = job
            .arg(&script)
            .env("SLURM_ARRAY_TASK_ID", task)
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
    }
    assert_eq!(records(Path::new(out)).len(), 3);
}

#[test]
fn gpus_are_asked_for_and_wrong_arrays_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[[run]]\nmodel = [\"gpt2\", \"bert\"]\nbackend = [\"candle\"]\ndevice = [\"cpu\", \"cuda:1\"]\n";
    let manifest = manifest(folder.path(), text);
    let done = run(&["slurm", &manifest]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("#SBATCH --gres=gpu:2\n"));
    // Flows and devices of one model in one task, so that their outputs are compared.
    assert!(done.stdout.contains("#SBATCH --array=1-2\n"));
    for array in ["0", "5"] {
        let done = run(&["slurm", &manifest, "--array", array]);
        assert_eq!(done.code, Some(2));
        assert!(
            done.stderr
                .contains("--array must be from 1 to the number of runs (4)")
        );
    }
}

#[test]
fn a_real_slurm_runs_the_array() {
    let folder = tempfile::tempdir().unwrap();
    let ready = Command::new("sinfo")
        .args(["--noheader", "--states=idle", "-o", "%n"])
        .output();
    let Ok(ready) = ready else {
        return eprintln!("skipped: there is no Slurm (Debian: slurm-wlm)");
    };
    if ready.stdout.trim_ascii().is_empty() {
        return eprintln!("skipped: Slurm has no idle node");
    }
    let manifest = manifest(folder.path(), MANIFEST);
    let out = folder.path().join("results");
    let log = format!("--sbatch=--output={}/%a.log", folder.path().display());
    let done = run(&["slurm", &manifest, "--out", out.to_str().unwrap(), &log]);
    let script = folder.path().join("job.sh");
    fs::write(&script, done.stdout).unwrap();
    let mut sbatch = Command::new("sbatch");
    let submitted = sbatch.args(["--parsable"]).arg(&script).output().unwrap();
    assert!(
        submitted.status.success(),
        "{}",
        String::from_utf8_lossy(&submitted.stderr)
    );
    let id = String::from_utf8(submitted.stdout)
        .unwrap()
        .trim()
        .to_owned();
    wait_for("end of the array", || {
        let queue = Command::new("squeue")
            .args(["--noheader", "--jobs", &id])
            .output()
            .ok()?;
        queue.stdout.trim_ascii().is_empty().then_some(())
    });
    let logs: Vec<String> = (1..=3)
        .map(|task| {
            fs::read_to_string(folder.path().join(format!("{task}.log"))).unwrap_or_default()
        })
        .collect();
    let records = records(&out);
    assert_eq!(records.len(), 3, "{logs:?}");
    assert!(records.iter().all(|r| r.status == Status::Ok), "{logs:?}");
}
