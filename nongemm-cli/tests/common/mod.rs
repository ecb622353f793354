//! Runs the real binary.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses another part of this module"
)]

pub mod book;
pub mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nongemm_core::record::{RunRecord, store};

/// Flags that make a run of a small model short.
pub const QUICK: &[&str] = &[
    "--backend",
    "candle",
    "--set",
    "preset=small",
    "--seq",
    "8",
    "--image",
    "64",
    "--max-time",
    "200ms",
    "--min-samples",
    "3",
];

pub fn nongemm(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nongemm"));
    command
        .args(args)
        .env("COLUMNS", "100")
        .stdin(Stdio::null());
    command
}

pub struct Done {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub fn done(output: &Output) -> Done {
    Done {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub fn run(args: &[&str]) -> Done {
    done(&nongemm(args).output().expect("the binary starts"))
}

pub fn bench(out: &Path, args: &[&str]) -> Done {
    let out = out.to_str().expect("temporary paths are UTF-8");
    run(&[&["bench", "--out", out], QUICK, args].concat())
}

pub fn records(out: &Path) -> Vec<RunRecord> {
    store::read_all(out).expect("records are there")
}

/// Waits until `found` gives something, for at most a minute.
pub fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(
            since.elapsed() < Duration::from_secs(60),
            "no {what} in a minute"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The worker processes of `parent`.
pub fn workers(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("/proc is there");
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let after_name = stat.rsplit(')').next().unwrap_or_default();
            let mut fields = after_name.split_whitespace();
            let state = fields.next().unwrap_or("Z");
            let is_child = fields.next().and_then(|f| f.parse().ok()) == Some(parent);
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            is_child && state != "Z" && command.split(|b| *b == 0).nth(1) == Some(b"worker")
        })
        .collect()
}

pub fn signal(pid: u32, signal: i32) {
    let pid = libc::pid_t::try_from(pid).expect("a process id");
    // SAFETY: sends a signal to a process that this test started.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0, "kill {pid}");
}

/// The records in a results folder.
pub fn json_files(out: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(out) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let file = entry.ok()?.path().join("run.json");
            file.is_file().then_some(file)
        })
        .collect()
}
