//! `nongemm doctor`: what is available here, and how to get the rest.

use std::fmt::Write;
use std::process::ExitCode;

use nongemm_core::dtype::DType;
use nongemm_core::plugin::{Availability, Device, Panicked, Plugins};
use nongemm_core::run::machine;
use serde_json::json;

use crate::advice::advice;
use crate::args::DoctorArgs;
use crate::error::CliError;
use crate::terminal;

struct Finding {
    kind: &'static str,
    id: String,
    availability: Availability,
}

impl Finding {
    fn name(&self) -> String {
        format!("{} {}", self.kind, self.id)
    }
}

/// Runs the command.
pub(crate) fn run(args: &DoctorArgs, plugins: &Plugins) -> Result<ExitCode, CliError> {
    let findings = findings(plugins);
    let machine = machine::describe();
    let available = machine::available_memory();
    let advice = advice(plugins);
    if args.json {
        let list: Vec<_> = findings
            .iter()
            .map(|f| json!({"kind": f.kind, "id": f.id, "availability": f.availability}))
            .collect();
        let value = json!({
            "machine": machine,
            "available_memory": available,
            "findings": list,
            "advice": advice,
        });
        let text = serde_json::to_string_pretty(&value).map_err(CliError::failed)?;
        terminal::print(&format!("{text}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    const GIB: f64 = (1u64 << 30) as f64;
    let mut out = format!(
        "{} ({} processors), {:.1} GiB memory{}\n{}\n\n",
        machine.cpu,
        machine.cores,
        machine.memory as f64 / GIB,
        available.map_or_else(String::new, |a| format!(", {:.1} GiB free", a as f64 / GIB)),
        machine.os,
    );
    let lengths = findings.iter().map(|finding| finding.name().len());
    let width = lengths.max().unwrap_or(0);
    for finding in &findings {
        let name = finding.name();
        let _ = match &finding.availability {
            Availability::Ready { detail } => writeln!(out, "ready    {name:width$} {detail}"),
            Availability::Missing { reason, remedy } => {
                writeln!(out, "missing  {name:width$} {reason}; {remedy}")
            }
        };
    }
    for advice in advice {
        let _ = writeln!(out, "advice   {advice}");
    }
    terminal::print(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// Backends, each with the devices that it can or cannot use, then probes.
fn findings(plugins: &Plugins) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in plugins.backends.iter() {
        let backend = entry.plugin;
        let availability = asked(entry.guard(|backend| backend.check()));
        let usable = availability.is_ready();
        findings.push(Finding {
            kind: "backend",
            id: backend.id().to_owned(),
            availability,
        });
        for device in [Device::Cpu, Device::Cuda(0)] {
            if usable {
                findings.push(Finding {
                    kind: "device",
                    id: format!("{device} for {}", backend.id()),
                    availability: asked(
                        entry.guard(|backend| backend.check_device(device, DType::F32)),
                    ),
                });
            }
        }
    }
    findings.extend(plugins.probes.iter().map(|entry| Finding {
        kind: "probe",
        id: entry.plugin.id().to_owned(),
        availability: asked(entry.guard(|probe| probe.check())),
    }));
    findings
}

/// What a plugin says of itself; one that panics cannot be used.
fn asked(answer: Result<Availability, Panicked>) -> Availability {
    answer.unwrap_or_else(|panicked| {
        Availability::missing(panicked.to_string(), "leave it out or take another release")
    })
}
