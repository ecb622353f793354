//! Run records made by hand.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

pub(crate) mod changes;
mod ops;
pub(crate) mod suite;

use std::collections::BTreeMap;

use nongemm_core::dtype::DType;
use nongemm_core::measure::Stop;
use nongemm_core::op::{Attrs, OpGroup, OpTraits};
use nongemm_core::plugin::{Device, Domain, ReportTarget, Reporter, Terminal};
use nongemm_core::record::{
    Ceiling, Ceilings, Checks, CompositeRow, Energy, Latency, Machine, Memory, ModelInfo, Noise,
    OpRow, Phases, Profile, ReferenceCheck, RunRecord, RunSpec, SCHEMA, Software, Status, groups,
};
use nongemm_core::shape::TensorSpec;
use nongemm_core::stats::Summary;
use serde_json::json;

/// A row of an operator on f32 inputs of these shapes that takes `us` microseconds.
pub(crate) fn row(op: &str, group: OpGroup, inputs: &[&[usize]], us: f64) -> OpRow {
    let spec = |shape: &&[usize]| TensorSpec::new(DType::F32, *shape);
    OpRow {
        id: String::new(),
        scope: String::new(),
        op: op.to_owned(),
        vocabulary: None,
        parent: None,
        parent_id: None,
        group,
        part_group: None,
        attrs: Attrs::new(),
        inputs: inputs.iter().map(spec).collect(),
        outputs: inputs.first().iter().map(|shape| spec(shape)).collect(),
        fused: Vec::new(),
        provider: None,
        host_ns: Summary {
            median: us * 1e3,
            own_median: us * 1e3,
            own_ci95: None,
            mad: us * 10.0,
            n: 31,
            se: Some(us * 2.0),
        },
        device_ns: None,
        flops: Some(1000),
        bytes: Some(4000),
        traits: Some(OpTraits::NONE.single_operand()),
    }
}

/// The row with attributes, given as a JSON object.
pub(crate) fn with(mut row: OpRow, attrs: serde_json::Value) -> OpRow {
    row.attrs = attrs.as_object().unwrap().clone();
    row
}

/// The composites that rows name as their parents: counted whole if their parts are in one group.
fn composites(ops: &[OpRow]) -> Vec<CompositeRow> {
    let mut composites: Vec<CompositeRow> = Vec::new();
    for row in ops {
        let (Some(id), Some(op)) = (&row.parent_id, &row.parent) else {
            continue;
        };
        let mut parts = ops
            .iter()
            .filter(|other| other.parent_id.as_ref() == Some(id));
        if composites.iter().all(|known| known.id != *id) {
            composites.push(CompositeRow {
                id: id.clone(),
                op: op.clone(),
                parent_id: None,
                counted_whole: parts.all(|part| part.group == row.group),
                attrs: Attrs::new(),
                inputs: row.inputs[..1].to_vec(),
                traits: Some(OpTraits::NONE.single_operand().non_linear()),
            });
        }
    }
    composites
}

/// A record of these operators, measured well.
pub(crate) fn record(model: &str, ops: Vec<OpRow>) -> RunRecord {
    let attributed: f64 = ops.iter().map(|op| op.host_ns.median).sum();
    let wall = attributed * 1.01;
    let plain = wall / 1.008;
    let profile = Profile {
        wall_median_ns: wall,
        walls_ns: vec![wall as u64; 31],
        middle: 17,
        n: 31,
        perturbation: 0.008,
        perturbation_ci95: [-0.002, 0.013],
        unreliable: false,
        unattributed_ns: wall - attributed,
        group_ns: BTreeMap::new(),
        device: None,
        composites: composites(&ops),
        ops,
    };
    RunRecord {
        schema: SCHEMA,
        id: format!("{model}-candle-cpu-f32-b1"),
        spec: spec(model),
        machine: Machine {
            cpu: "AMD EPYC 7763".to_owned(),
            cores: 2,
            memory: 25_000_000_000,
            gpu: Vec::new(),
            os: "Debian 13, linux 6.12".to_owned(),
            governor: Some("performance".to_owned()),
            ceilings: Vec::new(),
        },
        software: Software {
            nongemm: "0.1.0".to_owned(),
            backend: "candle".to_owned(),
            libraries: BTreeMap::from([("candle-core".to_owned(), "0.11.1".to_owned())]),
            modes: BTreeMap::new(),
        },
        status: Status::Ok,
        error: None,
        started: "2026-01-02T03:04:05Z".to_owned(),
        model: Some(ModelInfo {
            domain: Domain::LanguageModel,
            checkpoint: "openai-community/gpt2".to_owned(),
            reference: "transformers 5.17.0".to_owned(),
            parameters: Some(124_439_808),
            nodes: Some(390),
        }),
        weights: None,
        turns: None,
        latency: Some(Latency {
            samples_ns: vec![plain as u64; 31],
            median_ns: plain,
            mad_ns: plain * 0.006,
            ci95_ns: [plain * 0.993, plain * 1.009],
            min_ns: (plain * 0.98) as u64,
            n: 31,
            stop: Stop::TargetCi,
            target_ci: 0.02,
            warmup_runs: 4,
            steady: true,
            outliers: vec![3],
            disturbed: vec![3],
        }),
        groups: groups(&profile),
        profile: Some(profile),
        memory: Some(Memory {
            peak_rss_bytes: Some(851_443_712),
            peak_device_bytes: None,
            peak_reserved_bytes: None,
            weights_bytes: 497_759_232,
            activation_bytes: 12_582_912,
        }),
        energy: Some(Energy::Unavailable {
            unavailable: "no probe in this binary measures energy".to_owned(),
        }),
        energy_left_out: Vec::new(),
        noise: Some(Noise {
            steal: Some(3.2e7),
            ctx_switches: Some(12.0),
            major_faults: Some(0.0),
            load_average: Some(1.4),
            frequency_hz: Some(2.596e9),
            temperature_c: Some(61.2),
            disturbed_share: 0.032,
            ..Noise::default()
        }),
        checks: Some(Checks {
            finite: true,
            outputs: BTreeMap::from([(
                "logits".to_owned(),
                TensorSpec::new(DType::F32, [1, 128, 50257]),
            )]),
            head: BTreeMap::from([("logits".to_owned(), vec![0.25, -1.5])]),
            reference: Some(ReferenceCheck {
                backend: "torch".to_owned(),
                device: Device::Cpu,
                run: "gpt2-torch-cpu-f32-b1-s128-00c0ffee".to_owned(),
                max_abs_err: 1.2e-4,
                max_rel_err: 1.1e-6,
                tolerance: 1e-4,
                within: true,
                differing: Vec::new(),
            }),
            not_compared: None,
        }),
        phases: Some(Phases {
            build_ns: 3_100_000,
            inputs_ns: 11_000_000,
            prepare_ns: 1_210_000_000,
            measure_ns: 10_100_000_000,
        }),
        inputs: None,
    }
}

fn spec(model: &str) -> RunSpec {
    RunSpec {
        model: model.to_owned(),
        backend: "candle".to_owned(),
        device: Device::Cpu,
        dtype: DType::F32,
        batch: 1,
        seq: Some(128),
        image: None,
        weights: "synthetic:0".to_owned(),
        dataset: "sample".to_owned(),
        threads: 2,
        inputs: 1,
        settings: BTreeMap::from([("attention".to_owned(), "eager".to_owned())]),
    }
}

/// A run of the whole model.
pub(crate) fn gpt2() -> RunRecord {
    record("gpt2", ops::gpt2(12))
}

/// A run of three operators.
pub(crate) fn tiny() -> RunRecord {
    let ops = vec![
        row("linear", OpGroup::Gemm, &[&[8, 16], &[16, 16]], 70.0),
        OpRow {
            id: "n1".to_owned(),
            scope: "norm, \"first\"".to_owned(),
            ..with(
                row("layer_norm", OpGroup::Normalization, &[&[8, 16]], 20.0),
                json!({"eps": 1e-5}),
            )
        },
        row("relu", OpGroup::Activation, &[&[8, 16]], 10.0),
    ];
    record("tiny", ops)
}

/// The run on a machine whose ceilings were measured.
pub(crate) fn with_ceilings(mut run: RunRecord) -> RunRecord {
    let rate = |value: f64| Ceiling {
        value,
        ci95: [value * 0.99, value * 1.01],
        n: 31,
    };
    run.machine.ceilings = vec![Ceilings {
        backend: "candle".to_owned(),
        device: run.spec.device,
        threads: run.spec.threads,
        copy_bytes_per_s: Some(rate(2e10)),
        gemm_flops_per_s: BTreeMap::from([(DType::F32, rate(1.5e11))]),
        key: "0".to_owned(),
        measured: "2026-01-02T03:04:05Z".to_owned(),
    }];
    run
}

/// A run that gave nothing.
pub(crate) fn failed() -> RunRecord {
    RunRecord {
        status: Status::Failed,
        error: Some(
            "no kernel and no decomposition for\n  roi_align(f32[1, 256, 200, 272])".to_owned(),
        ),
        model: None,
        latency: None,
        profile: None,
        groups: BTreeMap::new(),
        memory: None,
        energy: None,
        energy_left_out: Vec::new(),
        noise: None,
        checks: None,
        phases: None,
        inputs: None,
        ..record("mask-rcnn", Vec::new())
    }
}

/// A run that should be taken with a pinch of salt.
pub(crate) fn doubtful() -> RunRecord {
    let mut ops = ops::gpt2(1);
    ops.push(row("frobnicate", OpGroup::Unclassified, &[&[4, 4]], 300.0));
    ops.push(row("frobnicate", OpGroup::Unclassified, &[&[4, 4]], 310.0));
    ops.push(row("zap", OpGroup::Unclassified, &[&[2]], 20.0));
    let mut run = record("gpt2", ops);
    if let (Some(profile), Some(latency), Some(noise)) =
        (&mut run.profile, &mut run.latency, &mut run.noise)
    {
        profile.unreliable = true;
        profile.perturbation = 0.094;
        profile.perturbation_ci95 = [0.081, 0.11];
        let more = profile.wall_median_ns * 0.15;
        profile.wall_median_ns += more;
        profile.unattributed_ns += more;
        latency.stop = Stop::MaxTime;
        latency.steady = false;
        latency.ci95_ns = [latency.median_ns * 0.95, latency.median_ns * 1.06];
        noise.disturbed_share = 0.34;
        run.groups = groups(profile);
    }
    let checks = run.checks.as_mut();
    if let Some(reference) = checks.and_then(|checks| checks.reference.as_mut()) {
        reference.max_abs_err = 0.31;
        reference.max_rel_err = 2.8e-3;
        reference.within = false;
        reference.differing = vec!["boxes has shape [7, 4] instead of [8, 4]".to_owned()];
    }
    run
}

/// A name that would do harm in a page, a spreadsheet or a terminal that took it for more than a name.
pub(crate) const HOSTILE: &str =
    "</script><img src=x onerror=alert(1)>=HYPERLINK(\"http://x\")\u{1b}[31m\u{0}{{script}}";

/// A run whose every name is hostile, and long.
pub(crate) fn hostile() -> RunRecord {
    let name = || HOSTILE.to_owned();
    let mut ops = ops::gpt2(1);
    for op in &mut ops {
        op.op = name();
        op.scope = format!("{HOSTILE}.{}", "deep.".repeat(200));
        op.parent = Some(name());
        op.attrs = Attrs::from_iter([(name(), json!(HOSTILE))]);
        op.fused = vec![name()];
        op.provider = Some(name());
    }
    let mut run = record(HOSTILE, ops);
    run.id = name();
    run.spec.backend = name();
    run.spec.weights = name();
    run.spec.dataset = "x".repeat(10_000);
    run.spec.settings = BTreeMap::from([(name(), name())]);
    run.machine.cpu = name();
    run.machine.gpu = vec![name()];
    run.software.backend = name();
    run.software.libraries = BTreeMap::from([(name(), name())]);
    run.energy = Some(Energy::Unavailable {
        unavailable: name(),
    });
    if let Some(group) = run.groups.remove("memory") {
        run.groups.insert(name(), group);
    }
    run
}

/// What a reporter writes to a terminal.
pub(crate) fn stream(reporter: &dyn Reporter, runs: &[RunRecord], terminal: Terminal) -> String {
    let mut out = Vec::new();
    reporter
        .report(runs, &mut ReportTarget::Stream(&mut out, terminal))
        .unwrap();
    String::from_utf8(out).unwrap()
}

/// A terminal without colours.
pub(crate) fn terminal(width: usize) -> Terminal {
    Terminal {
        width,
        colour: false,
    }
}
