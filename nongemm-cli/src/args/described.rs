//! Models that are described in files.

use std::path::PathBuf;

use clap::Args;
use nongemm_core::described::register;
use nongemm_core::plugin::Plugins;

use crate::error::CliError;

#[derive(Debug, Args)]
pub(crate) struct DescribedArgs {
    /// Folder of models that are described in files (model.toml), or one such file; may be given several times.
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) models: Vec<PathBuf>,
}

impl DescribedArgs {
    /// Registers those models.
    ///
    /// # Errors
    /// When a file is wrong, or an id is taken.
    pub(crate) fn register(&self, plugins: &mut Plugins) -> Result<(), CliError> {
        register(plugins, &self.models).map_err(CliError::usage)
    }
}
