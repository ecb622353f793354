//! `nongemm doctor`: what is available here, and how to get the rest.

use std::io::Write;
use std::process::ExitCode;

use nongemm_core::plugin::Availability;
use nongemm_core::plugin::Plugins;
use nongemm_core::run::machine;
use serde_json::json;

use crate::args::DoctorArgs;
use crate::error::CliError;

struct Finding {
    kind: &'static str,
    id: &'static str,
    availability: Availability,
}

/// Runs the command.
pub(crate) fn run(args: &DoctorArgs, plugins: &Plugins) -> Result<ExitCode, CliError> {
    let findings = findings(plugins);
    let machine = machine::describe();
    let available = machine::available_memory();
    let mut out = std::io::stdout().lock();
    if args.json {
        let list: Vec<_> = findings
            .iter()
            .map(|f| json!({"kind": f.kind, "id": f.id, "availability": f.availability}))
            .collect();
        let value = json!({
            "machine": machine,
            "available_memory": available,
            "findings": list,
        });
        let text = serde_json::to_string_pretty(&value).map_err(CliError::failed)?;
        let _ = writeln!(out, "{text}");
        return Ok(ExitCode::SUCCESS);
    }
    const GIB: f64 = (1u64 << 30) as f64;
    let _ = writeln!(
        out,
        "{} ({} processors), {:.1} GiB memory{}\n{}\n",
        machine.cpu,
        machine.cores,
        machine.memory as f64 / GIB,
        available.map_or_else(String::new, |a| format!(", {:.1} GiB free", a as f64 / GIB)),
        machine.os,
    );
    for finding in &findings {
        let name = format!("{} {}", finding.kind, finding.id);
        let _ = match &finding.availability {
            Availability::Ready { detail } => writeln!(out, "ready    {name:20} {detail}"),
            Availability::Missing { reason, remedy } => {
                writeln!(out, "missing  {name:20} {reason}; {remedy}")
            }
        };
    }
    for advice in advice(machine.governor.as_deref()) {
        let _ = writeln!(out, "advice   {advice}");
    }
    Ok(ExitCode::SUCCESS)
}

fn findings(plugins: &Plugins) -> Vec<Finding> {
    let backends = plugins.backends.iter().map(|entry| Finding {
        kind: "backend",
        id: entry.plugin.id(),
        availability: entry.plugin.check(),
    });
    let probes = plugins.probes.iter().map(|entry| Finding {
        kind: "probe",
        id: entry.plugin.id(),
        availability: entry.plugin.check(),
    });
    backends.chain(probes).collect()
}

/// What would make measurements steadier, said but not done.
fn advice(governor: Option<&str>) -> Vec<String> {
    let mut advice = Vec::new();
    if let Some(governor) = governor
        && governor != "performance"
    {
        advice.push(format!(
            "the frequency governor is `{governor}`; `performance` gives steadier times"
        ));
    }
    advice
}
