//! Runs like those of the paper's suite: models x flows x batch sizes, with made-up times.

use nongemm_core::op::OpGroup;
use nongemm_core::plugin::Device;
use nongemm_core::record::{OpRow, RunRecord};
use serde_json::json;

use super::{record, row, with};

const MODELS: [&str; 18] = [
    "bert",
    "detr",
    "faster-rcnn",
    "gpt2",
    "gpt2-large",
    "gpt2-xl",
    "llama2-7b",
    "mask-rcnn",
    "maskformer",
    "mobilenet-v2",
    "resnet50",
    "segformer-b0",
    "swin-b",
    "swin-s",
    "swin-t",
    "vit-b16",
    "vit-h14",
    "vit-l16",
];

const FLOWS: [&str; 4] = ["candle", "ort", "torch", "torch:compile"];

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    /// Between 0 and 1.
    fn roll(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }
}

/// The `index`th run: models in turn, then flows, then batch sizes.
pub(crate) fn run(index: usize, operators: usize) -> RunRecord {
    let model = MODELS[index % MODELS.len()];
    let flow = FLOWS[index / MODELS.len() % FLOWS.len()];
    let round = index / MODELS.len() / FLOWS.len();
    let batch = [1, 8, 64][round % 3];
    let mut dice = Dice(index as u64 + 1);
    let ops = operators_of(index % MODELS.len(), batch, operators, &mut dice);
    let mut run = record(model, ops);
    run.spec.backend = flow.to_owned();
    run.spec.batch = batch;
    if round >= 3 {
        run.spec.device = Device::Cuda(0);
        run.machine.gpu = vec!["NVIDIA A100".to_owned()];
    }
    run.id = format!("{model}-{}-b{batch}-{index:04}", flow.replace(':', "-"));
    if let Some(latency) = &mut run.latency {
        let median = latency.median_ns;
        latency.samples_ns = (0..101)
            .map(|_| (median * (0.98 + 0.05 * dice.roll().powi(3))) as u64)
            .collect();
        latency.n = 101;
        latency.outliers = vec![];
    }
    run
}

fn operators_of(model: usize, batch: usize, operators: usize, dice: &mut Dice) -> Vec<OpRow> {
    let hidden = 384 + 64 * model;
    let mut ops: Vec<OpRow> = Vec::with_capacity(operators);
    let mut layer = 0;
    while ops.len() < operators {
        ops.extend(block(layer, batch, hidden));
        layer += 1;
    }
    ops.truncate(operators);
    for (index, op) in ops.iter_mut().enumerate() {
        op.id = format!("n{index}");
        // Of views nothing; of GEMM most of what a processor can do, of the rest a part of what memory can.
        let work = batch as f64
            * match op.group {
                OpGroup::Memory => 0.0,
                OpGroup::Gemm => op.host_ns.median * 100.0,
                _ => op.host_ns.median * 2.0,
            };
        op.flops = Some(work as u64);
        op.bytes = Some((work / if op.group == OpGroup::Gemm { 40.0 } else { 0.2 }) as u64);
        let factor = batch as f64 * (0.9 + 0.3 * dice.roll());
        op.host_ns.median *= factor;
        op.host_ns.own_median = op.host_ns.median * (0.99 + 0.02 * dice.roll());
        op.host_ns.mad = op.host_ns.median * 0.02 * dice.roll();
    }
    ops
}

/// The operators of one layer.
fn block(layer: usize, batch: usize, hidden: usize) -> Vec<OpRow> {
    let x: &[usize] = &[batch, 128, hidden];
    let wide: &[usize] = &[batch, 128, 4 * hidden];
    let heads: &[usize] = &[batch, 12, 128, hidden / 12];
    let scores: &[usize] = &[batch, 12, 128, 128];
    let at = |module: &str, op: OpRow| OpRow {
        scope: format!("transformer.h.{layer}.{module}"),
        ..op
    };
    let linear = |module: &str, from: usize, to: usize, us: f64| {
        let op = row(
            "addmm",
            OpGroup::Gemm,
            &[&[to], &[batch * 128, from], &[from, to]],
            us,
        );
        at(module, op)
    };
    let norm = |module: &str| {
        let op = row(
            "layer_norm",
            OpGroup::Normalization,
            &[x, &[hidden], &[hidden]],
            30.0,
        );
        at(module, with(op, json!({"eps": 1e-5})))
    };
    let memory = |op: &str, us: f64| at("attn", row(op, OpGroup::Memory, &[heads], us));
    let add = || at("", row("add", OpGroup::Arithmetic, &[x, x], 14.0));
    let mut ops = vec![
        norm("ln_1"),
        linear("attn.c_attn", hidden, 3 * hidden, 210.0),
    ];
    ops.extend(
        [
            "split", "view", "permute", "view", "permute", "view", "permute",
        ]
        .map(|op| memory(op, 0.6)),
    );
    ops.push(at(
        "attn",
        row("matmul", OpGroup::Gemm, &[heads, heads], 60.0),
    ));
    ops.push(at(
        "attn",
        with(
            row("div", OpGroup::Arithmetic, &[scores], 12.0),
            json!({"scalar": 8.0}),
        ),
    ));
    ops.push(at(
        "attn",
        with(
            row("softmax", OpGroup::Logit, &[scores], 25.0),
            json!({"dim": -1}),
        ),
    ));
    ops.push(at(
        "attn",
        row("matmul", OpGroup::Gemm, &[scores, heads], 55.0),
    ));
    ops.push(memory("contiguous", 9.0));
    ops.push(linear("attn.c_proj", hidden, hidden, 80.0));
    ops.extend([
        add(),
        norm("ln_2"),
        linear("mlp.c_fc", hidden, 4 * hidden, 280.0),
    ]);
    for (op, own) in [
        ("mul", true),
        ("pow", true),
        ("add", true),
        ("tanh", false),
        ("mul", true),
    ] {
        let part = row(op, OpGroup::Activation, &[wide], 35.0);
        ops.push(OpRow {
            parent: Some("new_gelu".to_owned()),
            parent_id: Some(format!("c{layer}")),
            part_group: own.then_some(OpGroup::Arithmetic),
            ..at("mlp.act", part)
        });
    }
    ops.extend([linear("mlp.c_proj", 4 * hidden, hidden, 290.0), add()]);
    ops
}
