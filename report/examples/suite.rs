//! Records as large as those of the paper's whole suite, made up, to try reports on.
//!
//! `suite page FILE RUNS OPERATORS` writes the HTML page of made-up runs, failed, doubtful and hostile ones
//! among them: what `cargo xtask test browser` opens.
//! `suite measure RUNS OPERATORS` writes records into a temporary folder, has a process of its own read and
//! report them in each format, and prints time and peak memory: `cargo xtask perf report`.
//! `suite report DIR FORMAT OUT` is that process.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::store;
use nongemm_report::HtmlReporter;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["page", file, runs, operators] => page(Path::new(file), runs.parse()?, operators.parse()?),
        ["measure", runs, operators] => measure(runs.parse()?, operators.parse()?),
        ["report", dir, format, out] => report(Path::new(dir), format, Path::new(out)),
        _ => bail!("page FILE RUNS OPERATORS | measure RUNS OPERATORS | report DIR FORMAT OUT"),
    }
}

fn page(file: &Path, runs: usize, operators: usize) -> Result<()> {
    let mut records: Vec<_> = (0..runs)
        .map(|run| match run % 2 {
            0 => common::with_ceilings(common::suite::run(run, operators)),
            _ => common::suite::run(run, operators),
        })
        .collect();
    records.extend([common::failed(), common::doubtful(), common::hostile()]);
    let mut out = fs::File::create(file)?;
    let mut target = ReportTarget::Stream(&mut out, common::terminal(80));
    HtmlReporter.report(&records, &mut target)
}

/// What `nongemm report DIR --format FORMAT --out OUT` does.
fn report(dir: &Path, format: &str, out: &Path) -> Result<()> {
    let reporters: [&dyn Reporter; 7] = [
        &nongemm_report::CsvReporter,
        &HtmlReporter,
        &nongemm_report::JsonReporter,
        &nongemm_report::PaperReporter,
        &nongemm_report::PngReporter,
        &nongemm_report::SvgReporter,
        &nongemm_report::TerminalReporter,
    ];
    let reporter = reporters.iter().find(|reporter| reporter.id() == format);
    let records = store::read_all(dir)?;
    reporter
        .context("no such format")?
        .report(&records, &mut ReportTarget::Folder(out))
}

fn measure(runs: usize, operators: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let results = folder.path().join("results");
    for run in 0..runs {
        let record = common::with_ceilings(common::suite::run(run, operators));
        store::write(&results, &record)?;
    }
    let size: u64 = size(&results)?;
    println!(
        "{runs} runs of {operators} operators, {:.0} MB of records (targets: 10 s, 1000 MB, page below 5 MB)",
        size as f64 / 1e6
    );
    for format in ["html", "svg", "png", "csv", "json", "terminal", "paper"] {
        let out = folder.path().join(format);
        let since = Instant::now();
        let peak = peak_of(Command::new(std::env::current_exe()?).arg("report").args([
            &results,
            Path::new(format),
            &out,
        ]))?;
        println!(
            "  {format:10} {:6.2} s {:6.0} MB of memory {:9.3} MB written",
            since.elapsed().as_secs_f64(),
            peak as f64 / 1e6,
            self::size(&out)? as f64 / 1e6
        );
    }
    Ok(())
}

/// Bytes of all files in a folder and in those in it.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => size(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}

/// Runs a program to its end and returns its largest resident set in bytes.
fn peak_of(command: &mut Command) -> Result<u64> {
    let child = command.spawn().context("cannot start the program")?;
    let mut status = 0;
    // SAFETY: both pointers are to values of this frame; an all-zero `rusage` is a valid one.
    let (waited, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let waited = libc::wait4(
            child.id() as libc::pid_t,
            &raw mut status,
            0,
            &raw mut usage,
        );
        (waited, usage)
    };
    ensure!(
        waited > 0 && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
        "the program failed"
    );
    // Linux counts in kibibytes.
    Ok(usage.ru_maxrss as u64 * 1024)
}
