//! `nongemm registry import`: files of other programs as a registry.

use nongemm_core::plugin::Plugins;
use nongemm_core::registry::{OperatorRegistry, write};

use super::source;
use crate::args::ImportArgs;
use crate::error::CliError;

pub(super) fn run(args: &ImportArgs, plugins: &Plugins) -> Result<(), CliError> {
    let format = plugins
        .formats
        .find(&args.format)
        .map_err(CliError::usage)?;
    let mut merged = OperatorRegistry::new();
    let mut refused = 0;
    for path in &args.files {
        let text = std::fs::read_to_string(path)
            .map_err(|e| CliError::usage(format!("cannot read {}: {e}", path.display())))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let imported = format.guard(|format| format.import(&name, &text, &plugins.ops));
        let imported = imported.map_err(CliError::failed)?;
        source::tell_refused(&path.display().to_string(), &imported.refused);
        refused += imported.refused.len();
        merged.merge(imported.registry);
    }
    if merged.is_empty() {
        let message = format!("no entry could be read; {refused} lines were refused");
        return Err(CliError::usage(message));
    }
    write(&args.out, &merged).map_err(CliError::failed)?;
    let out = args.out.display();
    eprintln!("{out}: {} entries, {refused} lines refused", merged.len());
    Ok(())
}
