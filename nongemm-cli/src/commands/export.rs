//! `nongemm export`: a model as files that other programs read.

use std::io::Write;
use std::process::ExitCode;

use nongemm_core::plan::{ExportRequest, check_export};
use nongemm_core::plugin::Plugins;

use super::bench::settings;
use crate::args::ExportArgs;
use crate::error::CliError;

/// Runs the command.
pub(crate) fn run(args: &ExportArgs, plugins: &Plugins) -> Result<ExitCode, CliError> {
    let request = ExportRequest {
        model: args.model.clone(),
        format: args.format.clone(),
        dtype: args.dtype,
        batch: args.batch,
        seq: args.seq,
        image: args.image,
        weights: args.weights.clone(),
        settings: settings(&args.set)?,
    };
    let export = check_export(&request, plugins).map_err(CliError::usage)?;
    std::fs::create_dir_all(&args.out)
        .map_err(|e| CliError::usage(format!("cannot make {}: {e}", args.out.display())))?;
    let files = export.exporter.guard(|exporter| {
        exporter.export(
            &export.graph,
            export.weights.as_ref(),
            &export.settings,
            &args.out,
            &args.model,
        )
    });
    let files = files.map_err(CliError::failed)?;
    let mut text = String::new();
    for file in files.map_err(CliError::failed)? {
        let size = std::fs::metadata(&file).map_or(0, |data| data.len());
        text.push_str(&format!(
            "{} ({:.1} MB)\n",
            file.display(),
            size as f64 / 1e6
        ));
    }
    // A reader that went away (`| head`) is no failure.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(ExitCode::SUCCESS)
}
