//! `cargo xtask bundle`: a folder with which nongemm runs on a machine without Rust.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use nongemm_libtorch::RELEASE;

use crate::nongemm;
use crate::process::{check, root};

const RUN: &str = include_str!("../bundle/run.sh");

struct Options {
    features: Vec<String>,
    profile: String,
    out: PathBuf,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Options {
            features: vec!["candle".to_owned(), "torch".to_owned()],
            profile: "release".to_owned(),
            out: root().join("target").join("bundle"),
        };
        let mut args = args.iter();
        while let Some(flag) = args.next() {
            let value = args.next().with_context(|| format!("{flag} takes a value"));
            match flag.as_str() {
                "--features" => {
                    options.features = value?.split(',').map(str::to_owned).collect();
                }
                "--profile" => options.profile.clone_from(value?),
                "--out" => options.out = PathBuf::from(value?),
                _ => bail!("unknown flag {flag}; known: --features, --profile, --out"),
            }
        }
        Ok(options)
    }
}

/// Builds the binary and puts it into a folder with the manifests and the script that runs them.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let options = Options::parse(args)?;
    let features: Vec<&str> = options.features.iter().map(String::as_str).collect();
    let binary = nongemm::build(&features, &options.profile)?;
    let out = &options.out;
    write(out, &binary, features.contains(&"torch"))
        .with_context(|| format!("cannot write the bundle {}", out.display()))?;
    check(Command::new("strip").arg(out.join("nongemm")))?;
    let size = fs::metadata(out.join("nongemm"))?.len() as f64 / 1e6;
    eprintln!(
        "{}: nongemm of {size:.0} MB with {}; on the other machine: bash run.sh OUT",
        out.display(),
        features.join(", ")
    );
    Ok(ExitCode::SUCCESS)
}

fn write(out: &Path, binary: &Path, torch: bool) -> Result<()> {
    let experiments = out.join("experiments");
    fs::create_dir_all(&experiments)?;
    fs::copy(binary, out.join("nongemm"))?;
    for entry in root().join("experiments").read_dir()? {
        let manifest = entry?;
        fs::copy(manifest.path(), experiments.join(manifest.file_name()))?;
    }
    let version = if torch { RELEASE } else { "''" };
    fs::write(out.join("run.sh"), RUN.replace("@TORCH@", version))?;
    Ok(())
}
