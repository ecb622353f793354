//! The reference implementation: `models/reference/reference.py` and the files it reads and writes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use nongemm_core::dtype::DType;
use nongemm_core::graph::{Graph, Param};
use nongemm_core::plugin::WeightSource;
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::{HostData, HostTensor};
use safetensors::{Dtype, SafeTensors, View};
use serde_json::{Value, json};

use super::case::Case;
use super::flow::Tensors;

/// A Python that has the reference implementations.
pub struct Reference {
    python: PathBuf,
}

impl Reference {
    /// The interpreter that was given, that of `NONGEMM_PYTHON`, or the one that `cargo xtask setup` makes.
    pub fn new(python: Option<PathBuf>) -> anyhow::Result<Self> {
        let cached = || {
            let home = PathBuf::from(std::env::var_os("HOME")?);
            Some(home.join(".cache/nongemm/python-2.11.0/bin/python"))
        };
        let python = python
            .or_else(|| std::env::var_os("NONGEMM_PYTHON").map(PathBuf::from))
            .or_else(cached)
            .context("cannot tell where Python is; give --python PATH")?;
        ensure!(
            python.exists(),
            "there is no Python at {}; run `cargo xtask setup` or give --python PATH",
            python.display()
        );
        Ok(Reference { python })
    }

    fn command(&self, command: &str, case: &Case) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/reference/reference.py");
        let mut python = Command::new(&self.python);
        python
            .args([script.as_os_str(), command.as_ref()])
            .args(["--model", &case.model])
            .args(["--config", &config(case).to_string()]);
        python
    }

    /// The checkpoint's entries.
    pub fn params(&self, case: &Case) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&text(self.command("params", case))?)?)
    }

    /// The operators of a forward pass, one JSON object each.
    pub fn trace(&self, case: &Case) -> anyhow::Result<Vec<Value>> {
        let lines = text(self.sized("trace", case))?;
        lines
            .lines()
            .map(|line| Ok(serde_json::from_str(line)?))
            .collect()
    }

    /// How often PyTorch's own profiler sees each operator in a forward pass with the weights and inputs
    /// that [`export`] wrote into `dir`, a line each.
    pub fn profile(&self, case: &Case, dir: &Path) -> anyhow::Result<Vec<String>> {
        let [weights, inputs, _] = files(dir);
        let mut command = self.command("profile", case);
        command.arg("--weights").arg(weights);
        command.arg("--inputs").arg(inputs);
        let lines = text(command)?;
        Ok(lines.lines().map(str::to_owned).collect())
    }

    /// Runs another script with this Python.
    pub fn script(&self, script: &Path, arguments: &[&OsStr]) -> anyhow::Result<()> {
        self.script_on(script, arguments, None)
    }

    /// Runs another script with this Python, and a file as its standard input.
    pub fn script_on(
        &self,
        script: &Path,
        arguments: &[&OsStr],
        input: Option<File>,
    ) -> anyhow::Result<()> {
        let mut python = Command::new(&self.python);
        python.arg(script).args(arguments);
        if let Some(input) = input {
            python.stdin(input);
        }
        text(python).map(drop)
    }

    /// Writes the checkpoints of models as they are published, with inputs and outputs.
    pub fn publish(&self, cases: &[Case], folder: &Path) -> anyhow::Result<()> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/reference/published.py");
        let line = |case: &Case| {
            let (config, seq) = (config(case), case.seq);
            let line = json!({"name": case.name, "model": case.model, "config": config,
                "batch": case.batch, "seq": seq});
            format!("{line}\n")
        };
        let list = folder.join("cases");
        fs::write(&list, cases.iter().map(line).collect::<String>())?;
        let mut python = Command::new(&self.python);
        python.arg(script).arg(folder).stdin(File::open(list)?);
        text(python).map(drop)
    }

    /// A command that makes up inputs of the case's sizes.
    fn sized(&self, command: &str, case: &Case) -> Command {
        let mut command = self.command(command, case);
        command.args(["--batch", &case.batch.to_string()]);
        if let Some(seq) = case.seq {
            command.args(["--seq", &seq.to_string()]);
        }
        command
    }

    /// The outputs of a forward pass with the weights and inputs that [`export`] wrote into `dir`.
    pub fn run(&self, case: &Case, dir: &Path) -> anyhow::Result<Tensors> {
        let [weights, inputs, outputs] = files(dir);
        let mut command = self.command("run", case);
        command.arg("--dtype").arg(case.dtype.to_string());
        command.arg("--weights").arg(weights);
        command.arg("--inputs").arg(inputs);
        command.arg("--out").arg(&outputs);
        text(command)?;
        load(&outputs)
    }
}

/// The configuration as the reference takes it: it is told the image size there.
fn config(case: &Case) -> Value {
    // The reference always decomposes attention, which computes the same.
    let settings = case.settings.iter().filter(|(key, _)| *key != "attention");
    let mut config: BTreeMap<&str, Value> = settings
        .map(|(key, value)| (key.as_str(), json!(value)))
        .collect();
    if let Some(image) = case.image {
        config.insert("image", json!(image));
    }
    json!(config)
}

fn text(mut command: Command) -> anyhow::Result<String> {
    let output = command.output().context("cannot start Python")?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let last = stderr.lines().last().unwrap_or("no message");
        bail!("the reference implementation failed: {last}");
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Weights, inputs and outputs.
pub fn files(dir: &Path) -> [PathBuf; 3] {
    ["weights", "inputs", "outputs"].map(|name| dir.join(format!("{name}.safetensors")))
}

/// Writes the weights of a graph and its inputs into `dir`, one parameter in memory at a time.
pub fn export(
    graph: &Graph,
    weights: &dyn WeightSource,
    inputs: &Tensors,
    dir: &Path,
) -> anyhow::Result<()> {
    let [weights_file, inputs_file, _] = files(dir);
    let mut params = Vec::new();
    for param in graph.params() {
        let spec = graph.spec(param.value).clone();
        let shape = spec
            .shape
            .known()
            .context("a parameter has an open shape")?;
        let view = Lazy {
            weights,
            param,
            spec,
            shape,
        };
        params.push((param.name.as_str(), view));
    }
    safetensors::serialize_to_file(params, None, &weights_file)?;
    save(inputs, &inputs_file)
}

/// Writes tensors by name.
pub fn save(tensors: &Tensors, path: &Path) -> anyhow::Result<()> {
    let views = tensors.iter().map(|(name, tensor)| (name, Whole(tensor)));
    Ok(safetensors::serialize_to_file(views, None, path)?)
}

/// Reads tensors, sorted by name.
pub fn load(path: &Path) -> anyhow::Result<Tensors> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let file = SafeTensors::deserialize(&bytes)?;
    let mut tensors = Tensors::new();
    for (name, view) in file.tensors() {
        let dtype = DType::ALL
            .into_iter()
            .find(|dtype| stored(*dtype) == view.dtype());
        let dtype = dtype
            .with_context(|| format!("{}: {name} has the type {}", path.display(), view.dtype()))?;
        let data = HostData::from_bytes(dtype, view.data());
        tensors.push((name, HostTensor::new(view.shape(), data)?));
    }
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(tensors)
}

fn stored(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}

struct Whole<'a>(&'a HostTensor);

impl View for Whole<'_> {
    fn dtype(&self) -> Dtype {
        stored(self.0.dtype())
    }

    fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0.data().as_bytes().into()
    }

    fn data_len(&self) -> usize {
        self.0.data().as_bytes().len()
    }
}

/// A parameter that is read when it is written.
struct Lazy<'a> {
    weights: &'a dyn WeightSource,
    param: &'a Param,
    spec: TensorSpec,
    shape: Vec<usize>,
}

impl View for Lazy<'_> {
    fn dtype(&self) -> Dtype {
        stored(self.spec.dtype)
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let tensor = self.weights.load(self.param, &self.spec);
        // The trait leaves no room for an error; `verify` has found what can be found before.
        let tensor = tensor.unwrap_or_else(|e| panic!("{}: {e:#}", self.param.name));
        tensor.data().as_bytes().to_vec().into()
    }

    fn data_len(&self) -> usize {
        self.spec.bytes() as usize
    }
}
