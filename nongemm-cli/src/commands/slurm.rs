//! `nongemm slurm`: a job-array script for Slurm that runs a suite in parts.

use std::path::{Path, absolute};
use std::process::ExitCode;

use nongemm_core::plan::{Overrides, Plan, computations};
use nongemm_core::plugin::{Device, Plugins};

use super::bench::planned;
use crate::args::SlurmArgs;
use crate::error::CliError;
use crate::terminal;

/// Runs the command.
pub(crate) fn run(args: &SlurmArgs, plugins: &mut Plugins) -> Result<ExitCode, CliError> {
    let plan = planned(Some(&args.manifest), &Overrides::default(), plugins)?;
    let tasks = args.array.unwrap_or_else(|| computations(&plan.runs));
    if !(1..=plan.runs.len()).contains(&tasks) {
        return Err(CliError::usage(format!(
            "--array must be from 1 to the number of runs ({}), got {tasks}",
            plan.runs.len()
        )));
    }
    let binary = std::env::current_exe().map_err(CliError::failed)?;
    let text = script(args, &plan, tasks, &path(&binary)?)?;
    terminal::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn script(args: &SlurmArgs, plan: &Plan, tasks: usize, binary: &str) -> Result<String, CliError> {
    let (manifest, out) = (path(&args.manifest)?, path(&args.out)?);
    let name: String = plan
        .name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .collect();
    let mut lines = vec![
        "#!/bin/bash".to_owned(),
        format!(
            "# {} runs in {tasks} tasks: sbatch THIS-FILE",
            plan.runs.len()
        ),
        "# Submitted again, it runs only what is missing or failed.".to_owned(),
        format!("#SBATCH --job-name=nongemm-{name}"),
        format!("#SBATCH --array=1-{tasks}"),
        "#SBATCH --ntasks=1".to_owned(),
        // Others on the node would be part of what is measured.
        "#SBATCH --exclusive".to_owned(),
        "#SBATCH --requeue".to_owned(),
        // Two minutes before the time limit the run in progress is finished and recorded.
        "#SBATCH --signal=B:TERM@120".to_owned(),
    ];
    if let Some(gpus) = gpus(plan) {
        lines.push(format!("#SBATCH --gres=gpu:{gpus}"));
    }
    for option in &args.sbatch {
        if option.contains('\n') {
            return Err(CliError::usage(
                "--sbatch takes one option of sbatch at a time",
            ));
        }
        lines.push(format!("#SBATCH {option}"));
    }
    lines.extend([
        "set -eu".to_owned(),
        format!("exec {} bench {} \\", quoted(binary), quoted(&manifest)),
        format!(
            "    --out {} --partition \"$SLURM_ARRAY_TASK_ID/{tasks}\" --resume",
            quoted(&out)
        ),
    ]);
    Ok(lines.join("\n") + "\n")
}

/// How many GPUs the runs need at once: one more than the highest index.
fn gpus(plan: &Plan) -> Option<usize> {
    let indices = plan.runs.iter().filter_map(|spec| match spec.device {
        Device::Cpu => None,
        Device::Cuda(index) => Some(index),
    });
    indices.max().map(|index| index + 1)
}

fn path(path: &Path) -> Result<String, CliError> {
    let absolute = absolute(path).map_err(CliError::usage)?;
    let text = absolute.to_str().map(str::to_owned);
    text.ok_or_else(|| CliError::usage(format!("{} is not UTF-8", absolute.display())))
}

/// A word of a shell script.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_stay_words() {
        assert_eq!(quoted("/a b/c"), "'/a b/c'");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    }
}
