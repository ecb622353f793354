//! Every run without its operators: what the page shows first.

use std::collections::BTreeMap;

use nongemm_core::op::OpGroup;
use nongemm_core::record::{Latency, Machine, Profile, RunRecord, Software, Status, UNATTRIBUTED};
use serde::Serialize;

use super::operators::index;
use super::pack::Short;
use super::table2;
use crate::against::{self, Replication};
use crate::format::{bytes, count, plural};
use crate::roofline::{self, OVERHEAD_BELOW, Roof};
use crate::terminal::{conditions, headline, warnings};

/// Facts of a thing, each with its name.
type Facts = Vec<(String, String)>;

/// The document.
#[derive(Serialize)]
pub(super) struct Overview<'a> {
    groups: Vec<Group<'a>>,
    machines: Vec<Entry>,
    software: Vec<Entry>,
    runs: Vec<Run<'a>>,
    table2: Vec<table2::Row<'a>>,
    replication: Option<Replication>,
}

/// A group: an index into these stands for it.
#[derive(Serialize)]
struct Group<'a> {
    name: &'a str,
    /// `gemm`, `mixed`, `non-gemm` or `rest`.
    kind: &'static str,
}

/// A machine, or the software of runs.
#[derive(PartialEq, Serialize)]
struct Entry {
    name: String,
    /// A short name, different for different entries.
    short: String,
    facts: Facts,
}

#[derive(Serialize)]
struct Run<'a> {
    id: &'a str,
    model: &'a str,
    backend: &'a str,
    device: String,
    dtype: String,
    batch: usize,
    seq: Option<usize>,
    image: Option<usize>,
    threads: usize,
    weights: &'a str,
    dataset: &'a str,
    settings: String,
    started: &'a str,
    status: &'static str,
    error: Option<&'a str>,
    machine: usize,
    software: usize,
    latency: Option<Samples>,
    profile: Option<Closure>,
    /// Group, nanoseconds, share, number of operators.
    groups: Vec<(i64, f64, f64, usize)>,
    facts: Facts,
    warnings: Vec<String>,
    roofline: Option<Roofline>,
}

/// Times in nanoseconds.
#[derive(Serialize)]
struct Samples {
    samples: Short,
    median: f64,
    mad: f64,
    ci: [f64; 2],
    min: u64,
    outliers: Vec<usize>,
    disturbed: Vec<usize>,
    warmup: usize,
    stop: &'static str,
}

/// Times in nanoseconds, of the timeline that shares refer to.
#[derive(Serialize)]
struct Closure {
    wall: f64,
    unattributed: f64,
    n: usize,
    device: bool,
    perturbation: f64,
    pci: [f64; 2],
}

#[derive(Serialize)]
#[serde(untagged)]
enum Roofline {
    Missing {
        missing: String,
    },
    Measured {
        flops_per_s: f64,
        bytes_per_s: f64,
        overhead_below: f64,
        about: String,
        groups: Vec<GroupRow>,
    },
}

/// A group on the roofline, times in nanoseconds.
#[derive(Serialize)]
struct GroupRow {
    group: i64,
    ns: f64,
    compute_ns: f64,
    memory_ns: f64,
    overhead_ns: f64,
    unknown_ns: f64,
    roof_ns: f64,
    headroom: Option<f64>,
}

impl<'a> Overview<'a> {
    /// Of all runs; `groups` are the spellings that indices stand for.
    ///
    /// # Errors
    /// When the paper's numbers cannot be read, which would be a defect.
    pub(super) fn new(runs: &'a [RunRecord], groups: &[&'a str]) -> anyhow::Result<Self> {
        let mut machines = Vec::new();
        let mut software = Vec::new();
        let rows = runs.iter().map(|run| {
            let machine = place(&mut machines, machine(&run.machine));
            let software = place(&mut software, self::software(&run.software));
            self::run(run, groups, machine, software)
        });
        let rows = rows.collect();
        name_apart(&mut machines);
        name_apart(&mut software);
        Ok(Overview {
            groups: groups
                .iter()
                .map(|name| Group {
                    name,
                    kind: kind(name),
                })
                .collect(),
            machines,
            software,
            runs: rows,
            table2: table2::rows(runs, groups),
            replication: against::replication(runs)?,
        })
    }
}

fn kind(name: &str) -> &'static str {
    let is = |group: OpGroup| group.name() == name;
    match () {
        () if is(OpGroup::Gemm) => "gemm",
        () if is(OpGroup::Mixed) => "mixed",
        () if name == UNATTRIBUTED => "rest",
        () => "non-gemm",
    }
}

fn place(entries: &mut Vec<Entry>, entry: Entry) -> usize {
    let known = entries.iter().position(|other| *other == entry);
    known.unwrap_or_else(|| {
        entries.push(entry);
        entries.len() - 1
    })
}

/// Numbers the short names that are not the only ones of their kind.
fn name_apart(entries: &mut [Entry]) {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries {
        let times = known.entry(entry.short.clone()).or_default();
        *times += 1;
        if *times > 1 {
            entry.short = format!("{} ({times})", entry.short);
        }
    }
}

fn machine(machine: &Machine) -> Entry {
    let gpus = machine.gpu.join(", ");
    let name = match (machine.cpu.as_str(), gpus.as_str()) {
        ("", "") => "unknown machine".to_owned(),
        (cpu, "") => cpu.to_owned(),
        ("", gpus) => gpus.to_owned(),
        (cpu, gpus) => format!("{cpu} + {gpus}"),
    };
    let facts = [
        ("Processor", machine.cpu.clone()),
        ("Cores", plural(machine.cores, "core")),
        ("Memory", bytes(machine.memory)),
        ("GPU", gpus),
        ("System", machine.os.clone()),
        ("Governor", machine.governor.clone().unwrap_or_default()),
    ];
    Entry {
        short: name.clone(),
        name,
        facts: named(facts),
    }
}

fn software(software: &Software) -> Entry {
    let mut facts = named([
        ("nongemm", software.nongemm.clone()),
        ("Flow", software.backend.clone()),
    ]);
    let more = software.libraries.iter().chain(&software.modes);
    facts.extend(more.map(|(name, value)| (name.clone(), value.clone())));
    Entry {
        name: software.backend.clone(),
        short: software.backend.clone(),
        facts,
    }
}

/// The facts that are there.
fn named<const N: usize>(facts: [(&str, String); N]) -> Facts {
    let there = facts.into_iter().filter(|(_, value)| !value.is_empty());
    there
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn run<'a>(run: &'a RunRecord, groups: &[&str], machine: usize, software: usize) -> Run<'a> {
    let spec = &run.spec;
    let settings = spec
        .settings
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    Run {
        id: &run.id,
        model: &spec.model,
        backend: &spec.backend,
        device: spec.device.to_string(),
        dtype: spec.dtype.to_string(),
        batch: spec.batch,
        seq: spec.seq,
        image: spec.image,
        threads: spec.threads,
        weights: &spec.weights,
        dataset: &spec.dataset,
        settings: settings.collect::<Vec<_>>().join(" "),
        started: &run.started,
        status: match run.status {
            Status::Ok => "ok",
            Status::Failed => "failed",
        },
        error: run.error.as_deref(),
        machine,
        software,
        latency: run.latency.as_ref().map(samples),
        profile: run.profile.as_ref().map(closure),
        groups: shares(run, groups),
        facts: facts(run),
        warnings: warnings::of(run),
        roofline: run
            .profile
            .as_ref()
            .map(|profile| roof(run, profile, groups)),
    }
}

fn shares(run: &RunRecord, groups: &[&str]) -> Vec<(i64, f64, f64, usize)> {
    let rows = run.groups.iter();
    rows.map(|(name, time)| (index(groups, name), time.ns, time.share, time.count))
        .collect()
}

fn samples(latency: &Latency) -> Samples {
    Samples {
        samples: Short(latency.samples_ns.iter().map(|ns| *ns as f64).collect()),
        median: latency.median_ns,
        mad: latency.mad_ns,
        ci: latency.ci95_ns,
        min: latency.min_ns,
        outliers: latency.outliers.clone(),
        disturbed: latency.disturbed.clone(),
        warmup: latency.warmup_runs,
        stop: headline::stopped(latency.stop),
    }
}

fn closure(profile: &Profile) -> Closure {
    let timeline = profile.timeline();
    Closure {
        wall: timeline.wall_median_ns,
        unattributed: timeline.unattributed_ns,
        n: profile.n,
        device: profile.device.is_some(),
        perturbation: profile.perturbation,
        pci: profile.perturbation_ci95,
    }
}

fn facts(run: &RunRecord) -> Facts {
    let mut facts: Facts = Vec::new();
    if let Some(model) = &run.model {
        let parameters = model
            .parameters
            .map(|n| format!("{} parameters, ", count(n)));
        let nodes = model.nodes.map(|n| format!("{}, ", plural(n, "node")));
        let sizes = parameters.unwrap_or_default() + &nodes.unwrap_or_default();
        facts.push((
            "Model".to_owned(),
            format!("{sizes}as {} in {}", model.checkpoint, model.reference),
        ));
    }
    let more = conditions::facts(run).into_iter();
    facts.extend(more.map(|(name, text)| (name.to_owned(), text)));
    if let Some(phases) = &run.phases {
        facts.push(("Took".to_owned(), conditions::took(phases)));
    }
    facts
}

fn roof(run: &RunRecord, profile: &Profile, groups: &[&str]) -> Roofline {
    match Roof::of(run) {
        Err(missing) => Roofline::Missing { missing },
        Ok(roof) => Roofline::Measured {
            flops_per_s: roof.flops_per_s,
            bytes_per_s: roof.bytes_per_s,
            overhead_below: OVERHEAD_BELOW,
            about: roof.about(),
            groups: roofline::groups(run, profile, &roof)
                .into_iter()
                .map(|line| GroupRow {
                    group: index(groups, &line.name),
                    ns: line.ns,
                    compute_ns: line.compute_ns,
                    memory_ns: line.memory_ns,
                    overhead_ns: line.overhead_ns,
                    unknown_ns: line.unknown_ns,
                    roof_ns: line.roof_ns,
                    headroom: line.headroom(),
                })
                .collect(),
        },
    }
}
