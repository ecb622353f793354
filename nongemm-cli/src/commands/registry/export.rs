//! `nongemm registry export`: a registry as files of other programs.

use nongemm_core::plugin::Plugins;

use super::source;
use crate::args::RegistryExportArgs;
use crate::error::CliError;
use crate::terminal;

pub(super) fn run(args: &RegistryExportArgs, plugins: &Plugins) -> Result<(), CliError> {
    let format = plugins
        .formats
        .find(&args.format)
        .map_err(CliError::usage)?;
    let registry = source::select(&args.registry, args.filter.as_deref(), plugins)?;
    let exported = format.guard(|format| format.export(&registry, &plugins.ops));
    let exported = exported.map_err(CliError::failed)?;
    for reason in &exported.refused {
        eprintln!("refused: {reason}");
    }
    match &args.out {
        None => terminal::print(&exported.text)?,
        Some(out) => std::fs::write(out, &exported.text)
            .map_err(|e| CliError::failed(format!("cannot write {}: {e}", out.display())))?,
    }
    let refused = exported.refused.len();
    eprintln!(
        "{} entries written, {refused} refused",
        registry.len() - refused.min(registry.len())
    );
    Ok(())
}
