//! Compares a model's outputs with those of the reference implementation, for the same weights and
//! inputs, on any backend that is linked here (`cargo xtask parity` builds in what is named):
//!
//! ```text
//! cargo run --release -p nongemm-cli --example parity -- --model ID,..|all [--full] [--backend ID]
//!     [--device cpu|cuda:N] [--dtype f32|f16|bf16] [--batch N] [--seq N] [--image N] [--weights LOCATION]
//!     [--dataset ID[:PATH]] [--set KEY=VALUE].. [--tolerance X] [--python PATH] [--dir DIR] [--export]
//! ```
//!
//! Without `--full`, the small configuration of the model's family. Without `--dataset`, made-up inputs.
//! With `--export`, only writes `weights.safetensors` and `inputs.safetensors` into DIR, for
//! `models/reference/reference.py run`. Goes on where a model fails. Exits with 1 when an output differs
//! by more than the tolerance, relative to the largest magnitude, or a model failed. Both sides run one
//! after the other, so that only one of them holds weights at a time.

#![expect(clippy::print_stdout, reason = "a program that reports on its output")]

#[path = "../../models/tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, anyhow, bail, ensure};
use nongemm_cli as _;
use nongemm_core::dtype::DType;
use nongemm_core::plugin::Device;
use support::case::{Case, models};
use support::flow;
use support::reference::{Reference, export};

/// What the arguments say.
struct Options {
    models: Vec<String>,
    full: bool,
    backend: String,
    device: Device,
    dtype: DType,
    batch: Option<usize>,
    seq: Option<usize>,
    image: Option<usize>,
    weights: String,
    dataset: Option<String>,
    settings: Vec<(String, String)>,
    tolerance: Option<f64>,
    python: Option<PathBuf>,
    dir: Option<PathBuf>,
    export: bool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut options = Options {
            models: Vec::new(),
            full: false,
            backend: "candle".to_owned(),
            device: Device::Cpu,
            dtype: DType::F32,
            batch: None,
            seq: None,
            image: None,
            weights: "synthetic:0".to_owned(),
            dataset: None,
            settings: Vec::new(),
            tolerance: None,
            python: None,
            dir: None,
            export: false,
        };
        while let Some(flag) = args.next() {
            let mut value = || {
                let value = args.next();
                value.with_context(|| format!("{flag} needs a value"))
            };
            match flag.as_str() {
                "--full" => options.full = true,
                "--export" => options.export = true,
                "--model" => options.models = value()?.split(',').map(str::to_owned).collect(),
                "--backend" => options.backend = value()?,
                "--device" => options.device = value()?.parse().map_err(|e: String| anyhow!(e))?,
                "--dtype" => options.dtype = number(&flag, &value()?)?,
                "--batch" => options.batch = Some(number(&flag, &value()?)?),
                "--seq" => options.seq = Some(number(&flag, &value()?)?),
                "--image" => options.image = Some(number(&flag, &value()?)?),
                "--weights" => options.weights = value()?,
                "--dataset" => options.dataset = Some(value()?),
                "--set" => options.settings.push(pair(&value()?)?),
                "--tolerance" => options.tolerance = Some(number(&flag, &value()?)?),
                "--python" => options.python = Some(value()?.into()),
                "--dir" => options.dir = Some(value()?.into()),
                _ => bail!("unknown argument {flag}"),
            }
        }
        ensure!(
            !options.models.is_empty(),
            "give --model ID,.. or --model all"
        );
        if options.models == ["all"] {
            options.models = models()?.into_iter().map(str::to_owned).collect();
        }
        Ok(options)
    }

    fn case(&self, id: &str) -> anyhow::Result<Case> {
        let mut case = if self.full {
            Case::full(id)?
        } else {
            Case::small_of(id)?
        };
        case.dtype = self.dtype;
        case.batch = self.batch.unwrap_or(case.batch);
        case.seq = self.seq.or(case.seq);
        case.image = self.image.or(case.image);
        case.settings.extend(self.settings.iter().cloned());
        Ok(case)
    }
}

fn number<T: FromStr>(flag: &str, text: &str) -> anyhow::Result<T> {
    let number = text.parse().ok();
    number.with_context(|| format!("{flag} {text} is none of its values"))
}

fn pair(text: &str) -> anyhow::Result<(String, String)> {
    let (key, value) = text.split_once('=').context("--set takes KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut code = ExitCode::SUCCESS;
    for id in &options.models {
        let temporary = tempfile::tempdir()?;
        let dir = options.dir.as_deref().unwrap_or(temporary.path());
        let fits = check(id, &options, dir).unwrap_or_else(|error| {
            println!("{id}: {error:#}");
            false
        });
        if !fits {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// The largest error relative to the largest magnitude: 1e-4 in f32, and a few units in the last place of
/// 16-bit types, whose every operator rounds.
fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 1.0 / 256.0,
        DType::BF16 => 1.0 / 32.0,
        _ => 1e-4,
    }
}

/// Whether the outputs of a model are within the tolerance.
fn check(id: &str, options: &Options, dir: &Path) -> anyhow::Result<bool> {
    let case = options.case(id)?;
    let graph = case.graph()?;
    let weights = flow::weights(&options.weights)?;
    let inputs = match &options.dataset {
        Some(dataset) => flow::inputs_from(dataset, case.model()?, &graph, case.batch)?,
        None => flow::inputs_of(case.model()?, &graph, case.batch)?,
    };
    std::fs::create_dir_all(dir)?;
    export(&graph, weights.as_ref(), &inputs, dir)?;
    let size = if options.full { "full" } else { "small" };
    let about = format!(
        "{id} ({size}, batch {}, {} parameters, {} nodes)",
        case.batch,
        graph.parameter_count(),
        graph.nodes().len()
    );
    if options.export {
        println!("{about}: written to {}", dir.display());
        return Ok(true);
    }
    let expected = Reference::new(options.python.clone())?.run(&case, dir)?;
    let how = flow::options(options.device, case.dtype, &[])?;
    let found = flow::run(&options.backend, &how, &graph, weights.as_ref(), &inputs)?;
    let worst = flow::compare(&found, &expected)?;
    let fits = worst.relative <= options.tolerance.unwrap_or(tolerance(case.dtype));
    let undecided = match worst.undecided {
        0 => String::new(),
        count => format!(", {count} masks undecided between pixels"),
    };
    println!(
        "{about}: {} differs from the reference by {:.2e} at most in {}, {:.2e} of the largest magnitude {:.3}\
         {undecided}: {}",
        options.backend,
        worst.absolute,
        worst.output,
        worst.relative,
        worst.scale,
        if fits { "ok" } else { "TOO FAR" }
    );
    Ok(fits)
}
