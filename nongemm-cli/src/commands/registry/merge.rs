//! `nongemm registry merge`: several sources in one file.

use nongemm_core::plugin::Plugins;
use nongemm_core::registry::{OperatorRegistry, write};

use super::source;
use crate::args::MergeArgs;
use crate::error::CliError;

pub(super) fn run(args: &MergeArgs, plugins: &Plugins) -> Result<(), CliError> {
    let mut merged = OperatorRegistry::new();
    for name in &args.sources {
        merged.merge(source::select(name, args.filter.as_deref(), plugins)?);
    }
    write(&args.out, &merged).map_err(CliError::failed)?;
    eprintln!("{}: {} entries", args.out.display(), merged.len());
    Ok(())
}
