//! Arguments.

mod described;
mod registry;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use nongemm_core::dtype::DType;
use nongemm_core::plan::Partition;
use nongemm_core::plugin::Device;

pub(crate) use described::DescribedArgs;
pub(crate) use registry::{
    CaptureArgs, ImportArgs, MergeArgs, RegistryAction, RegistryArgs, RegistryExportArgs,
    SelectArgs,
};

/// Where the time of machine-learning inference goes once GEMM is fast.
#[derive(Debug, Parser)]
#[command(
    name = "nongemm",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the models, backends, ... that this binary knows.
    List(ListArgs),
    /// Run models and break their latency down operator by operator.
    Bench(Box<BenchArgs>),
    /// Write a model to files that other programs read.
    Export(ExportArgs),
    /// Turn results into reports.
    Report(ReportArgs),
    /// Look into a dataset.
    #[command(subcommand)]
    Data(DataCommand),
    /// Print a job-array script for Slurm that runs an experiment in parts.
    Slurm(SlurmArgs),
    /// Show, merge and capture the operators met in models.
    Registry(Box<RegistryArgs>),
    /// Say what changed between two sets of results; exit code 1 if a run got slower.
    Compare(CompareArgs),
    /// Say how long runs would take if some operators took less time (Amdahl's law).
    Project(ProjectArgs),
    /// Say what is available on this machine, and how to get the rest.
    Doctor(DoctorArgs),
    /// Measure what this machine gives at best: copy bandwidth and the peak of matrix products.
    Machine(MachineArgs),
    /// Measure operators alone, at the shapes that models call them with.
    Micro(Box<MicroArgs>),
    /// Measure operators from standard input (used by `machine` and `micro`).
    #[command(name = "alone", hide = true)]
    Alone,
    /// Print what a shell needs to complete commands and flags.
    Completions(CompletionsArgs),
    /// Print the manual page.
    Man(ManArgs),
    /// Run one job from standard input (used by `bench`).
    #[command(name = "worker", hide = true)]
    Worker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListKind {
    Models,
    Backends,
    Operators,
    Probes,
    Datasets,
    Reporters,
    Classifiers,
    Weights,
    Exporters,
    Presets,
    Formats,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// What to list.
    pub(crate) kind: ListKind,
    /// Of operators: how each backend runs them (by a kernel, in parts, not at all).
    #[arg(long)]
    pub(crate) support: bool,
    #[command(flatten)]
    pub(crate) described: DescribedArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder for the pages of all commands.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Say what is there, how many items can be used, and what was skipped and why.
    Check(DataCheckArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DataCheckArgs {
    /// Dataset: ID or ID:PATH (see `list datasets`).
    pub(crate) dataset: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MachineArgs {
    /// Backends, separated by commas; all that can be used here without it.
    #[arg(long, value_delimiter = ',')]
    pub(crate) backend: Vec<String>,
    /// Devices, separated by commas: cpu, cuda:N.
    #[arg(long, value_delimiter = ',', default_value = "cpu")]
    pub(crate) device: Vec<Device>,
    /// Floating-point types of the matrix products, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "f32,f16,bf16")]
    pub(crate) dtype: Vec<DType>,
    /// Threads; default: all processors that the process may use.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MicroArgs {
    /// Preset, registry file, or a list of calls in a file that ends in .json; `preset` unless --from is given.
    #[arg(long, value_name = "PRESET|FILE")]
    pub(crate) registry: Option<String>,
    /// Folder with results of `bench`: their operators, also compared with what they take in the models.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,
    /// Entries to measure, such as 'group=normalization and model=gpt2'; all but GEMM without it.
    #[arg(long, value_name = "EXPR")]
    pub(crate) filter: Option<String>,
    /// Backends, separated by commas.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) backend: Vec<String>,
    /// Devices, separated by commas: cpu, cuda:N.
    #[arg(long, value_delimiter = ',', default_value = "cpu")]
    pub(crate) device: Vec<Device>,
    /// Floating-point type of the operands; each entry's own without it.
    #[arg(long)]
    pub(crate) dtype: Option<DType>,
    /// Threads; default: all processors that the process may use.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Setting of the backend; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Half-width of the 95% interval of the median at which to stop, in percent.
    #[arg(long, value_name = "PCT")]
    pub(crate) target_ci: Option<f64>,
    /// Time for the samples of one call, such as 1s.
    #[arg(long, value_name = "DUR")]
    pub(crate) max_time: Option<String>,
    /// Fewest samples of a call.
    #[arg(long, value_name = "N")]
    pub(crate) min_samples: Option<usize>,
    /// Measure briefly: at most 80 ms for each series of samples.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Measure the energy of each call too, where there is a sensor: some seconds more for each.
    #[arg(long)]
    pub(crate) energy: bool,
    /// Folder for the results.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
    /// Keep what is measured already and go on.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Print the records as JSON on standard output instead of the tables.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Folders with results: of one run, of several, or of repetitions of several.
    #[arg(required = true)]
    pub(crate) dirs: Vec<PathBuf>,
    /// Reporters, separated by commas; `terminal` without it.
    #[arg(long, value_delimiter = ',')]
    pub(crate) format: Vec<String>,
    /// Set the shares beside published ones.
    #[arg(long, value_name = "STUDY", value_parser = ["paper"])]
    pub(crate) against: Option<String>,
    /// Folder for the reports; standard output without it.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareFormat {
    /// Lines for people.
    Terminal,
    /// Tables for a pull request on GitHub.
    Markdown,
    /// Everything, operator by operator.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Results to compare with: a folder as for `report`; several records of one run are repetitions.
    pub(crate) base: PathBuf,
    /// Results to judge.
    pub(crate) new: PathBuf,
    /// The smallest change that matters, in percent.
    #[arg(long, value_name = "PCT", default_value_t = 5.0)]
    pub(crate) threshold: f64,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = CompareFormat::Terminal)]
    pub(crate) format: CompareFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ProjectArgs {
    /// Results: folders as for `report`.
    #[arg(required = true)]
    pub(crate) dirs: Vec<PathBuf>,
    /// A group, or `op:` and the name of an operator, and how many times faster it gets; may be given several times.
    #[arg(long, required = true, value_name = "GROUP=X")]
    pub(crate) speedup: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Model.
    pub(crate) model: String,
    #[command(flatten)]
    pub(crate) described: DescribedArgs,
    /// Format (see `list exporters`).
    #[arg(long, default_value = "onnx")]
    pub(crate) format: String,
    /// Folder for the files.
    #[arg(long, default_value = ".")]
    pub(crate) out: PathBuf,
    /// Floating-point type: f32, f16, bf16.
    #[arg(long, default_value = "f32")]
    pub(crate) dtype: DType,
    /// Batch size.
    #[arg(long, default_value_t = 1)]
    pub(crate) batch: usize,
    /// Sequence length.
    #[arg(long)]
    pub(crate) seq: Option<usize>,
    /// Image side in pixels.
    #[arg(long)]
    pub(crate) image: Option<usize>,
    /// Weights: synthetic[:SEED], the path of safetensors or a PyTorch checkpoint, or hf:ORG/NAME[@REVISION];
    /// synthetic without it, or those that the model's file names.
    #[arg(long)]
    pub(crate) weights: Option<String>,
    /// Setting of the model; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SlurmArgs {
    /// Experiment manifest.
    pub(crate) manifest: PathBuf,
    /// Number of tasks; default: one for each model and size, with all its flows and devices.
    #[arg(long, value_name = "N")]
    pub(crate) array: Option<usize>,
    /// Folder for the results, which all nodes share.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
    /// Option of sbatch, such as --sbatch=--partition=gpu; may be given several times.
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub(crate) sbatch: Vec<String>,
}

/// The type and the sizes that a graph is built for.
#[derive(Debug, Args)]
pub(crate) struct SizeArgs {
    /// Floating-point types, separated by commas: f32, f16, bf16.
    #[arg(long, value_delimiter = ',')]
    pub(crate) dtype: Option<Vec<String>>,
    /// Batch sizes, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) batch: Option<Vec<usize>>,
    /// Sequence lengths, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) seq: Option<Vec<usize>>,
    /// Image sides in pixels, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) image: Option<Vec<usize>>,
}

/// Flags override the manifest.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Experiment manifest; the default experiment without it.
    pub(crate) manifest: Option<PathBuf>,
    /// Models, separated by commas, or `all`.
    #[arg(long, value_delimiter = ',')]
    pub(crate) model: Option<Vec<String>>,
    #[command(flatten)]
    pub(crate) described: DescribedArgs,
    /// Backends, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) backend: Option<Vec<String>>,
    /// Devices, separated by commas: cpu, cuda:N.
    #[arg(long, value_delimiter = ',')]
    pub(crate) device: Option<Vec<String>>,
    #[command(flatten)]
    pub(crate) sizes: SizeArgs,
    /// Weights: synthetic[:SEED], the path of safetensors or a PyTorch checkpoint, or
    /// hf:ORG/NAME[@REVISION].
    #[arg(long)]
    pub(crate) weights: Option<String>,
    /// Dataset: ID or ID:PATH.
    #[arg(long)]
    pub(crate) dataset: Option<String>,
    /// Inputs of the dataset that are measured in turn.
    #[arg(long, value_name = "N")]
    pub(crate) inputs: Option<usize>,
    /// Threads; default: all processors that the process may use.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Setting of a model or backend; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Half-width of the 95% interval of the median at which to stop, in percent.
    #[arg(long, value_name = "PCT")]
    pub(crate) target_ci: Option<f64>,
    /// Time for the samples of one run, such as 10s.
    #[arg(long, value_name = "DUR")]
    pub(crate) max_time: Option<String>,
    /// Fewest samples of a run.
    #[arg(long, value_name = "N")]
    pub(crate) min_samples: Option<usize>,
    /// Time for a whole run, loading included; one that takes longer has failed.
    #[arg(long, value_name = "DUR")]
    pub(crate) run_timeout: Option<String>,
    /// Wait for a calm machine before the first sample of a run, at most that long.
    #[arg(long, value_name = "DUR", num_args = 0..=1, default_missing_value = "5min")]
    pub(crate) wait_quiet: Option<String>,
    /// Do not measure energy, even where there is a sensor.
    #[arg(long)]
    pub(crate) no_energy: bool,
    /// Folder for the results.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
    /// Leave out runs whose results are in that folder, complete and of the same versions.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Run only part K of N of the suite.
    #[arg(long, value_name = "K/N")]
    pub(crate) partition: Option<Partition>,
    /// Print the records as JSON on standard output instead of the report.
    #[arg(long)]
    pub(crate) json: bool,
}
