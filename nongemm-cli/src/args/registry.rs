//! Arguments of `nongemm registry`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{DescribedArgs, SizeArgs};

#[derive(Debug, Args)]
pub(crate) struct RegistryArgs {
    #[command(subcommand)]
    pub(crate) action: RegistryAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RegistryAction {
    /// Count entries by group and by model.
    Stats(SelectArgs),
    /// Show every entry.
    List(SelectArgs),
    /// Put registries, and the operators of runs, into one file.
    Merge(MergeArgs),
    /// Write entries as files of other programs.
    Export(RegistryExportArgs),
    /// Read files of other programs.
    Import(ImportArgs),
    /// Write the operators of models to a registry file without running them.
    Capture(CaptureArgs),
}

/// Which entries.
#[derive(Debug, Args)]
pub(crate) struct SelectArgs {
    /// Preset, registry file, or folder with results.
    #[arg(long, default_value = "preset", value_name = "PRESET|FILE|DIR")]
    pub(crate) registry: String,
    /// Only entries such as `group=normalization and model=gpt2 and batch=1`.
    #[arg(long, value_name = "EXPR")]
    pub(crate) filter: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Presets, registry files, or folders with results.
    #[arg(required = true, value_name = "PRESET|FILE|DIR")]
    pub(crate) sources: Vec<String>,
    /// Only entries such as `group=normalization and model=gpt2 and batch=1`.
    #[arg(long, value_name = "EXPR")]
    pub(crate) filter: Option<String>,
    /// The file to write.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

/// Flags override the manifest.
#[derive(Debug, Args)]
pub(crate) struct CaptureArgs {
    /// Experiment manifest; the default experiment without it.
    pub(crate) manifest: Option<PathBuf>,
    /// Models, separated by commas, or `all`.
    #[arg(long, value_delimiter = ',')]
    pub(crate) model: Option<Vec<String>>,
    #[command(flatten)]
    pub(crate) described: DescribedArgs,
    #[command(flatten)]
    pub(crate) sizes: SizeArgs,
    /// Setting of the model; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Preset, registry file, or folder with results to merge in: sizes that only the data decide come from real runs.
    #[arg(long, value_name = "PRESET|FILE|DIR")]
    pub(crate) with: Vec<String>,
    /// The file to write.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Files to read.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Format (see `list formats`).
    #[arg(long, default_value = "operator-inputs")]
    pub(crate) format: String,
    /// The registry file to write.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RegistryExportArgs {
    /// Preset, registry file, or folder with results.
    #[arg(long, default_value = "preset", value_name = "PRESET|FILE|DIR")]
    pub(crate) registry: String,
    /// Only entries such as `group=normalization and model=gpt2 and batch=1`.
    #[arg(long, value_name = "EXPR")]
    pub(crate) filter: Option<String>,
    /// Format (see `list formats`).
    #[arg(long, default_value = "operator-inputs")]
    pub(crate) format: String,
    /// The file to write; standard output without it.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}
