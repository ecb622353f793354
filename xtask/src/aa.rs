//! `cargo xtask perf aa`: the same runs twice, in turn, and what a comparison makes of them. Nothing changed, so
//! nothing should be flagged.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::nongemm::{build, features, target_dir};
use crate::process::check;

/// What runs where no arguments say otherwise.
const DEFAULT: &[&str] = &["--backend", "candle", "--model", "gpt2,resnet50"];

/// Repetitions of each side.
const ROUNDS: usize = 3;

/// Measures both sides in turn and compares them: all records together, and those of each round alone. The exit code
/// is 1 if anything is flagged. `--rounds N`, then arguments of `nongemm bench`.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let (rounds, rest) = match args {
        [flag, number, rest @ ..] if flag == "--rounds" => {
            let rounds: usize = number.parse().context("--rounds takes a number")?;
            (rounds.max(1), rest)
        }
        _ => (ROUNDS, args),
    };
    let default: Vec<String> = DEFAULT.iter().map(|arg| (*arg).to_owned()).collect();
    let bench = if rest.is_empty() { &default } else { rest };
    let binary = build(&features(bench), "release")?;
    let folder = target_dir()?.join("perf-aa");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    for round in 1..=rounds {
        // A B, B A, A B: drift meets both sides alike.
        let sides = if round % 2 == 1 {
            ["a", "b"]
        } else {
            ["b", "a"]
        };
        for side in sides {
            let out = folder.join(side).join(round.to_string());
            let mut command = Command::new(&binary);
            command.arg("bench").args(bench).arg("--out").arg(&out);
            check(command.arg("--json").stdout(std::process::Stdio::null()))?;
        }
    }
    let mut flagged = compare(&binary, &folder, "", "all records")?;
    for round in 1..=rounds {
        let name = format!("round {round} alone");
        flagged += compare(&binary, &folder, &round.to_string(), &name)?;
    }
    Ok(match flagged {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Compares a folder of both sides and says how much was flagged.
fn compare(binary: &Path, folder: &Path, round: &str, name: &str) -> Result<usize> {
    let side = |side: &str| folder.join(side).join(round);
    let output = Command::new(binary)
        .args(["compare", "--format", "json"])
        .args([side("a"), side("b")])
        .output()
        .context("cannot start nongemm")?;
    if !matches!(output.status.code(), Some(0 | 1)) {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    // The one field that is needed; see `target_dir` on parsing JSON.
    let count = |verdict: &str| text.matches(&format!("\"verdict\": \"{verdict}\"")).count();
    let flagged = count("slower") + count("faster");
    let (same, unclear) = (count("same"), count("unclear"));
    eprintln!("{name}: {flagged} flagged, {same} same, {unclear} unclear");
    Ok(flagged)
}
