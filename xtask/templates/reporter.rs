//! The reporter `my-plugin`: a line for each run (`nongemm report DIR --format my-plugin`).

use std::fs::File;
use std::io::Write;

use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::RunRecord;
use nongemm_core::register;

/// Model, backend and median latency. A reporter reads records only, and they may come from anywhere.
#[derive(Debug)]
pub struct MyPlugin;

register!(dyn Reporter, &MyPlugin);

impl Reporter for MyPlugin {
    fn id(&self) -> &'static str {
        "my-plugin"
    }

    fn summary(&self) -> &'static str {
        "a line for each run"
    }

    fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()> {
        match target {
            ReportTarget::Stream(out, _) => write(runs, *out),
            ReportTarget::Folder(folder) => {
                write(runs, &mut File::create(folder.join("my-plugin.txt"))?)
            }
        }
    }
}

fn write(runs: &[RunRecord], out: &mut dyn Write) -> anyhow::Result<()> {
    for run in runs {
        let (model, backend) = (&run.spec.model, &run.spec.backend);
        match (&run.latency, &run.error) {
            (Some(latency), _) => {
                writeln!(out, "{model} {backend}: {} ns", latency.median_ns)?;
            }
            (None, error) => {
                let error = error.as_deref().unwrap_or("not measured");
                writeln!(out, "{model} {backend}: {error}")?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use nongemm_core::plugin::{Plugins, Terminal};
    use nongemm_core::record::RunSpec;
    use nongemm_core::run::failed;

    use super::*;

    #[test]
    fn it_is_registered_and_writes_a_line_for_each_run() {
        let plugins = Plugins::collect().unwrap();
        let reporter = plugins.reporters.get("my-plugin").unwrap();
        let spec = RunSpec {
            model: "bert".to_owned(),
            backend: "candle".to_owned(),
            ..RunSpec::default()
        };
        let runs = [failed(&spec, "out of memory".to_owned())];
        let terminal = Terminal {
            width: 80,
            colour: false,
        };
        let mut text = Vec::new();
        let mut target = ReportTarget::Stream(&mut text, terminal);
        reporter.report(&runs, &mut target).unwrap();
        assert_eq!(text, b"bert candle: out of memory\n");
    }
}
