//! Runs that are killed or interrupted: the others' results stay whole.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::{QUICK, bench, done, json_files, nongemm, records, signal, wait_for, workers};
use nongemm_core::measure::Stop;
use nongemm_core::record::Status;

/// Starts `nongemm bench` on small models, with limits from `extra` alone.
fn start(out: &Path, extra: &[&str]) -> Child {
    let out = out.to_str().unwrap();
    let sizes = &QUICK[..QUICK.len() - 4];
    nongemm(&[&["bench", "--out", out], sizes, extra].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Starts gpt2, then bert, measured as the lines of `measure` say.
fn start_two(folder: &Path, results: &Path, measure: &str) -> Child {
    let manifest = folder.join("m.toml");
    let text = format!("[measure]\n{measure}\n[[run]]\nmodel = [\"gpt2\", \"bert\"]\n");
    std::fs::write(&manifest, text).unwrap();
    start(results, &[manifest.to_str().unwrap()])
}

#[test]
fn a_killed_worker_costs_one_run() {
    let out = tempfile::tempdir().unwrap();
    let results = out.path().join("results");
    let measure = "min-samples = 3\nmax-samples = 4000\nmax-time = \"3s\"\ntarget-ci = 0.0001";
    let child = start_two(out.path(), &results, measure);
    let worker = wait_for("worker", || workers(child.id()).first().copied());
    signal(worker, libc::SIGKILL);
    let done = done(&child.wait_with_output().unwrap());
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let records = records(&results);
    let of = |model: &str| records.iter().find(|r| r.spec.model == model).unwrap();
    assert_eq!(of("gpt2").status, Status::Failed);
    assert!(of("gpt2").error.as_ref().unwrap().contains("signal 9"));
    assert_eq!(of("bert").status, Status::Ok, "{:?}", of("bert").error);
    assert!(done.stdout.contains("signal 9"), "{}", done.stdout);
}

#[test]
fn an_interrupt_finishes_the_record_and_exits_with_130() {
    stopped_by(libc::SIGINT, 130);
}

#[test]
fn a_termination_finishes_the_record_and_exits_with_143() {
    stopped_by(libc::SIGTERM, 143);
}

fn stopped_by(number: i32, code: i32) {
    let out = tempfile::tempdir().unwrap();
    let results = out.path().join("results");
    let measure = "min-samples = 3\nmax-samples = 1000000\nmax-time = \"1h\"\ntarget-ci = 1e-9";
    let child = start_two(out.path(), &results, measure);
    wait_for("worker", || workers(child.id()).first().copied());
    std::thread::sleep(std::time::Duration::from_secs(3));
    signal(child.id(), number);
    let done = done(&child.wait_with_output().unwrap());
    assert_eq!(done.code, Some(code), "{}", done.stderr);
    let records = records(&results);
    assert_eq!(records.len(), 1, "the second run was not started");
    assert_eq!(records[0].status, Status::Ok, "{:?}", records[0].error);
    let latency = records[0].latency.as_ref().unwrap();
    assert_eq!(latency.stop, Stop::Interrupted);
    assert!(latency.n >= 3);
    assert!(
        done.stderr.contains("1 of 2 runs were not started"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_killed_parent_takes_its_worker_along_and_leaves_earlier_results() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(bench(out.path(), &["--model", "resnet50"]).code, Some(0));
    let before = json_files(out.path());
    let mut child = start(out.path(), &["--model", "gpt2", "--min-samples", "1000000"]);
    let worker = wait_for("worker", || workers(child.id()).first().copied());
    signal(child.id(), libc::SIGKILL);
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(libc::SIGKILL));
    wait_for("end of the worker", || {
        let stat = std::fs::read_to_string(format!("/proc/{worker}/stat")).unwrap_or_default();
        let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
        (state.is_empty() || state.starts_with('Z')).then_some(())
    });
    assert_eq!(json_files(out.path()), before);
    assert_eq!(records(out.path())[0].status, Status::Ok);
}

#[test]
fn a_worker_that_hangs_costs_one_run() {
    let out = tempfile::tempdir().unwrap();
    let results = out.path().join("results");
    let measure = "min-samples = 3\nmax-samples = 100000\nmax-time = \"1s\"\nmax-warmup = \"1s\"\n\
                   run-timeout = \"20s\"\ntarget-ci = 1e-9";
    let child = start_two(out.path(), &results, measure);
    let worker = wait_for("worker", || workers(child.id()).first().copied());
    signal(worker, libc::SIGSTOP);
    let done = done(&child.wait_with_output().unwrap());
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let records = records(&results);
    let of = |model: &str| records.iter().find(|r| r.spec.model == model).unwrap();
    let error = of("gpt2").error.as_ref().unwrap();
    assert!(
        error.starts_with("the worker was still ") && error.contains("after 20s (run-timeout)"),
        "{error}"
    );
    assert_eq!(of("bert").status, Status::Ok, "{:?}", of("bert").error);
    let closing: Vec<&str> = done.stderr.lines().rev().take(2).collect();
    assert_eq!(closing[1], "nongemm: runs: 1 done, 1 failed");
    assert_eq!(closing[0], format!("nongemm:   {}: {error}", of("gpt2").id));
}

#[test]
fn a_worker_out_of_memory_costs_one_run() {
    let out = tempfile::tempdir().unwrap();
    let results = out.path().join("results");
    let manifest = out.path().join("m.toml");
    let large =
        "[[run]]\nmodel = \"gpt2\"\nbatch = [3072]\nseq = [128]\n[run.set]\npreset = \"small\"\n";
    let small = "[[run]]\nmodel = \"bert\"\nseq = [8]\n[run.set]\npreset = \"small\"\n";
    std::fs::write(&manifest, format!("{large}{small}")).unwrap();
    let mut command = nongemm(&["bench", "--backend", "candle", "--max-time", "200ms"]);
    command.args(["--threads", "2", "--min-samples", "3", "--out"]);
    limit(
        command.arg(&results).arg(&manifest),
        libc::RLIMIT_AS,
        1 << 30,
    );
    let done = done(&command.output().unwrap());
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let records = records(&results);
    let of = |model: &str| records.iter().find(|r| r.spec.model == model).unwrap();
    let error = of("gpt2").error.as_ref().unwrap();
    assert!(error.starts_with("the worker is out of memory"), "{error}");
    assert_eq!(of("bert").status, Status::Ok, "{:?}", of("bert").error);
}

/// Starts a command under a limit of the system, with the signal that goes with it ignored.
fn limit(command: &mut Command, resource: libc::__rlimit_resource_t, bytes: u64) {
    let set = move || {
        let limit = libc::rlimit {
            rlim_cur: bytes,
            rlim_max: bytes,
        };
        // SAFETY: both calls set numbers of the new process and are async-signal-safe.
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            match libc::setrlimit(resource, &raw const limit) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        }
    };
    // SAFETY: the closure allocates nothing and calls async-signal-safe functions only.
    unsafe { command.pre_exec(set) };
}

#[test]
fn a_write_that_breaks_off_leaves_the_older_record_whole() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(bench(out.path(), &["--model", "gpt2"]).code, Some(0));
    let before = records(out.path());
    let results = out.path().to_str().unwrap();
    let mut command = nongemm(&[&["bench", "--out", results, "--model", "gpt2"], QUICK].concat());
    limit(&mut command, libc::RLIMIT_FSIZE, 8192);
    let done = done(&command.output().unwrap());
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stdout.contains("Latency"), "{}", done.stdout);
    let last = done.stderr.lines().last().unwrap();
    assert!(last.starts_with("nongemm: cannot write "), "{last}");
    assert_eq!(records(out.path()), before);
    let folder = out.path().join(&before[0].id);
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
    assert_eq!(left.len(), 1, "no half-written file stays: {left:?}");
}

#[test]
fn a_full_disk_costs_no_result() {
    let folder = tempfile::tempdir().unwrap();
    let (full, spare) = (folder.path().join("full"), folder.path().join("spare"));
    for path in [&full, &spare] {
        std::fs::create_dir(path).unwrap();
    }
    // A file system of its own, in a namespace of its own: nothing is left to unmount.
    let script = "mount -t tmpfs -o size=40k none \"$1\" || exit 77; shift; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
    ]);
    command.arg(&full).arg(env!("CARGO_BIN_EXE_nongemm"));
    command
        .args(["bench", "--model", "gpt2", "--out"])
        .arg(&full);
    let output = command.args(QUICK).env("TMPDIR", &spare).output();
    let done = match output.map(|output| done(&output)) {
        Ok(done) if done.code != Some(77) && !done.stderr.starts_with("unshare: ") => done,
        Ok(done) => return eprintln!("skipped, no file system can be mounted: {}", done.stderr),
        Err(error) => return eprintln!("skipped, unshare does not start: {error}"),
    };
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let last = done.stderr.lines().last().unwrap();
    assert!(last.contains("go on with --resume"), "{last}");
    let rescued = std::fs::read_dir(&spare).unwrap().next().unwrap().unwrap();
    assert_eq!(records(&rescued.path())[0].status, Status::Ok);
}

#[test]
fn a_results_folder_that_is_removed_is_made_again() {
    let out = tempfile::tempdir().unwrap();
    let results = out.path().join("results");
    let measure = "min-samples = 3\nmax-samples = 4000\nmax-time = \"3s\"\ntarget-ci = 0.0001";
    let child = start_two(out.path(), &results, measure);
    wait_for("worker", || workers(child.id()).first().copied());
    std::fs::remove_dir_all(&results).unwrap();
    let done = done(&child.wait_with_output().unwrap());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(records(&results).len(), 2);
}

#[test]
fn a_result_that_cannot_be_written_is_kept_elsewhere() {
    let out = tempfile::tempdir().unwrap();
    let (results, spare) = (out.path().join("results"), out.path().join("spare"));
    std::fs::create_dir(&spare).unwrap();
    let path = results.to_str().unwrap();
    let child = nongemm(&[&["bench", "--out", path, "--model", "gpt2"], QUICK].concat())
        .env("TMPDIR", &spare)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("worker", || workers(child.id()).first().copied());
    std::fs::remove_dir_all(&results).unwrap();
    std::fs::write(&results, "in the way").unwrap();
    let done = done(&child.wait_with_output().unwrap());
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stdout.contains("Latency"), "{}", done.stdout);
    let last = done.stderr.lines().last().unwrap();
    assert!(last.starts_with("nongemm: cannot "), "{last}");
    let rescued = std::fs::read_dir(&spare).unwrap().next().unwrap().unwrap();
    assert_eq!(records(&rescued.path())[0].status, Status::Ok);
}

#[test]
fn two_processes_on_one_folder_lose_nothing() {
    let out = tempfile::tempdir().unwrap();
    let measure = "min-samples = 3\nmax-samples = 4000\nmax-time = \"2s\"\ntarget-ci = 0.0001";
    let children: Vec<Child> = (0..2)
        .map(|_| start_two(out.path(), &out.path().join("results"), measure))
        .collect();
    let mut done_before = 0;
    for child in children {
        let done = done(&child.wait_with_output().unwrap());
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert!(done.stdout.contains("gpt2") && done.stdout.contains("bert"));
        done_before += done.stderr.matches(": done before, ").count();
    }
    assert!(done_before >= 1, "one waits for the other");
    let records = records(&out.path().join("results"));
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|r| r.status == Status::Ok));
}

/// Steps the wall clock by an hour, there and back, whenever it is read.
const STEPPING: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *t) {
    static int (*real)(clockid_t, struct timespec *);
    static int step;
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int answer = real(id, t);
    if (id == CLOCK_REALTIME) t->tv_sec += (step ^= 1) ? 3600 : -3600;
    return answer;
}
"#;

#[test]
fn steps_of_the_wall_clock_enter_no_time() {
    let out = tempfile::tempdir().unwrap();
    let (source, library) = (out.path().join("step.c"), out.path().join("step.so"));
    std::fs::write(&source, STEPPING).unwrap();
    let mut compile = Command::new("cc");
    compile
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl");
    assert!(compile.status().unwrap().success(), "cc");
    let results = out.path().join("results");
    let args = [&["bench", "--out", results.to_str().unwrap()], QUICK].concat();
    let since = std::time::Instant::now();
    let output = nongemm(&[&args[..], &["--model", "gpt2"]].concat())
        .env("LD_PRELOAD", &library)
        .output()
        .unwrap();
    let took = since.elapsed().as_nanos() as u64;
    let done = done(&output);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let record = records(&results).remove(0);
    let latency = record.latency.unwrap();
    assert!(latency.samples_ns.iter().all(|&ns| 0 < ns && ns < took));
    assert!(record.profile.unwrap().walls_ns.iter().all(|&ns| ns < took));
    let phases = record.phases.unwrap();
    assert!(phases.build_ns + phases.inputs_ns + phases.prepare_ns + phases.measure_ns < took);
}

#[test]
fn a_model_that_cannot_fit_is_refused_with_the_numbers() {
    let out = tempfile::tempdir().unwrap();
    let args = [
        "--model",
        "gpt2-xl",
        "--set",
        "hidden=65536",
        "--set",
        "heads=4",
    ];
    let done = bench(out.path(), &args);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let records = records(out.path());
    let refused = records.iter().find(|r| r.spec.model == "gpt2-xl").unwrap();
    let error = refused.error.as_ref().unwrap();
    assert!(
        error.contains("gpt2-xl needs ") && error.contains(" MiB are available"),
        "{error}"
    );
    assert!(refused.memory.unwrap().weights_bytes > 1 << 30);
}
