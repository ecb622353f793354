//! Whether the sums close, what measuring changed, and what the machine did meanwhile.

use nongemm_core::record::{
    Checks, DeviceState, Energy, EnergyRow, Memory, Noise, Phases, Profile, RunRecord, Timeline,
};

use super::page::Page;
use crate::format::{NBSP, bytes, change, count, frequency, percent, plural, time};

/// Closure and perturbation.
pub(super) fn closure(page: &mut Page, profile: &Profile) {
    let Timeline {
        wall_median_ns: wall,
        unattributed_ns: unattributed,
    } = profile.timeline();
    let operators: f64 = profile.ops.iter().map(|row| profile.time_of(row)).sum();
    let clock = if profile.device.is_some() {
        " on the device"
    } else {
        ""
    };
    page.labelled(
        "Closure",
        &format!(
            "operators {} + unattributed {} = wall {}{clock}, median of {}",
            time(operators),
            time(unattributed),
            time(wall),
            plural(profile.n, "instrumented run")
        ),
    );
    let [low, high] = profile.perturbation_ci95.map(change);
    page.labelled(
        "Perturbation",
        &format!(
            "{} by instrumenting, 95%{NBSP}CI [{low},{NBSP}{high}]",
            change(profile.perturbation)
        ),
    );
}

/// Memory, noise, energy, checks, machine and the time that was not measured.
pub(super) fn machine(page: &mut Page, run: &RunRecord, with_energy: bool) {
    let facts = facts(run).into_iter();
    for (label, text) in facts.filter(|(label, _)| with_energy || *label != "Energy") {
        page.labelled(label, &text);
    }
    page.aside("Machine", &machine_text(run));
    if let Some(phases) = &run.phases {
        page.aside("Took", &took(phases));
    }
}

/// Memory, noise, energy and checks of a run, each with its name.
pub(crate) fn facts(run: &RunRecord) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    facts.extend(run.memory.as_ref().map(|m| ("Memory", memory(m))));
    facts.extend(run.noise.as_ref().map(|n| ("Noise", noise(n))));
    match &run.energy {
        Some(Energy::Measured(rows)) => {
            facts.extend(rows.iter().map(|row| ("Energy", energy(row))));
        }
        Some(Energy::Unavailable { unavailable }) => {
            facts.push(("Energy", format!("not measured: {unavailable}")));
        }
        None => {}
    }
    facts.extend(run.checks.as_ref().map(|c| ("Checks", checks(c))));
    facts
}

fn checks(checks: &Checks) -> String {
    let mut text = match checks.finite {
        true => "outputs are finite".to_owned(),
        false => "outputs are not finite".to_owned(),
    };
    if let Some(reference) = &checks.reference {
        text += &format!(
            "; at most {:.1e} from those of {} on {}, {:.1e} of the largest",
            reference.max_abs_err, reference.backend, reference.device, reference.max_rel_err
        );
    }
    if let Some(reason) = &checks.not_compared {
        text += &format!("; not compared with another flow: {reason}");
    }
    text
}

fn memory(memory: &Memory) -> String {
    let mut text = format!(
        "weights {}, activations {}",
        bytes(memory.weights_bytes),
        bytes(memory.activation_bytes)
    );
    if let Some(peak) = memory.peak_rss_bytes {
        text += &format!(", peak{NBSP}RSS {}", bytes(peak));
    }
    if let Some(peak) = memory.peak_device_bytes {
        text += &format!(", peak on the device {}", bytes(peak));
    }
    text
}

fn noise(noise: &Noise) -> String {
    let whole = |value: f64| count(value.max(0.0) as u64);
    let mut parts = vec![format!(
        "{} of the samples disturbed",
        percent(noise.disturbed_share)
    )];
    parts.extend(noise.steal.map(|ns| format!("steal{NBSP}{}", time(ns))));
    parts.extend(
        noise
            .ctx_switches
            .map(|n| format!("{}{NBSP}involuntary switches", whole(n))),
    );
    parts.extend(
        noise
            .major_faults
            .map(|n| format!("{}{NBSP}major faults", whole(n))),
    );
    parts.extend(
        noise
            .load_average
            .map(|load| format!("load{NBSP}{load:.2}")),
    );
    parts.extend(noise.frequency_hz.map(frequency));
    parts.extend(
        noise
            .temperature_c
            .map(|degrees| format!("{degrees:.0}{NBSP}°C")),
    );
    parts.extend(
        noise
            .others_processors
            .map(|n| format!("others used {n:.2}{NBSP}processors")),
    );
    parts.extend(noise.waited_ns.map(|ns| {
        let calm = if noise.was_calm == Some(true) {
            ""
        } else {
            " in vain"
        };
        format!("waited {}{calm} for calm", time(ns as f64))
    }));
    parts.extend(noise.device.as_ref().and_then(device));
    parts.join(", ")
}

fn device(state: &DeviceState) -> Option<String> {
    let mut parts = Vec::new();
    parts.extend(state.clock_hz.map(frequency));
    parts.extend(state.power_w.map(|watts| format!("{watts:.0}{NBSP}W")));
    parts.extend(
        state
            .temperature_c
            .map(|degrees| format!("{degrees:.0}{NBSP}°C")),
    );
    if state.throttled == Some(true) {
        parts.push("throttled".to_owned());
    }
    (!parts.is_empty()).then(|| format!("devices {}", parts.join(" ")))
}

/// The sensor of a row: its probe alone where the record names none.
fn sensor(row: &EnergyRow) -> String {
    let part = row.part_of.as_ref();
    let part = part.map_or_else(String::new, |outer| format!(", a part of {outer}"));
    match row.sensor.as_str() {
        "" => row.probe.clone(),
        name => format!("{} {name}{part}", row.probe),
    }
}

fn energy(row: &EnergyRow) -> String {
    format!(
        "{:.3}{NBSP}J per inference, {:.3}{NBSP}J net of {:.1}{NBSP}W idle ({}, {}, resolution {}){}",
        row.gross_j_per_inference,
        row.net_j_per_inference,
        row.idle_w,
        sensor(row),
        plural(row.windows, "window"),
        row.resolution,
        row.reconciled
            .as_ref()
            .map_or_else(String::new, |other| format!(
                ", {} from {} {}",
                change(other.difference),
                other.probe,
                other.sensor
            ))
    )
}

fn machine_text(run: &RunRecord) -> String {
    let machine = &run.machine;
    let mut parts = Vec::new();
    if !machine.cpu.is_empty() {
        parts.push(machine.cpu.clone());
    }
    parts.push(plural(machine.cores, "core"));
    parts.push(bytes(machine.memory));
    parts.extend(machine.gpu.iter().cloned());
    parts.extend(
        machine
            .governor
            .iter()
            .map(|governor| format!("governor{NBSP}{governor}")),
    );
    parts.push(format!("nongemm{NBSP}{}", run.software.nongemm));
    let libraries = &run.software.libraries;
    parts.extend(
        libraries
            .iter()
            .map(|(name, version)| format!("{name}{NBSP}{version}")),
    );
    parts.join(", ")
}

pub(crate) fn took(phases: &Phases) -> String {
    let of = |ns: u64| time(ns as f64);
    format!(
        "{} to measure; before that {} to build the graph, {} for inputs, {} for weights and kernels",
        of(phases.measure_ns),
        of(phases.build_ns),
        of(phases.inputs_ns),
        of(phases.prepare_ns)
    )
}
