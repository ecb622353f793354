//! The operators of a GPT-2, with made-up times.

use nongemm_core::dtype::DType;
use nongemm_core::op::OpGroup;
use nongemm_core::record::OpRow;
use serde_json::json;

use super::{row, with};

/// The eight parts of a NewGELU.
fn new_gelu(call: usize) -> Vec<OpRow> {
    let wide: &[usize] = &[1, 128, 3072];
    let parts = [
        ("mul", OpGroup::Arithmetic, 160.0),
        ("pow", OpGroup::Arithmetic, 420.0),
        ("mul", OpGroup::Arithmetic, 160.0),
        ("add", OpGroup::Arithmetic, 170.0),
        ("mul", OpGroup::Arithmetic, 160.0),
        ("tanh", OpGroup::Activation, 380.0),
        ("add", OpGroup::Arithmetic, 165.0),
        ("mul", OpGroup::Arithmetic, 175.0),
    ];
    let rows = parts.map(|(op, own, us)| OpRow {
        parent: Some("new_gelu".to_owned()),
        parent_id: Some(format!("c{call}")),
        part_group: Some(own).filter(|own| *own != OpGroup::Activation),
        ..row(op, OpGroup::Activation, &[wide], us)
    });
    rows.to_vec()
}

/// The parts of an attention that is written out: each counts for itself.
fn attention(call: usize) -> Vec<OpRow> {
    let heads: &[usize] = &[1, 12, 128, 64];
    let scores: &[usize] = &[1, 12, 128, 128];
    let mut rows = vec![
        row("matmul", OpGroup::Gemm, &[heads, &[1, 12, 64, 128]], 310.0),
        with(
            row("mul", OpGroup::Arithmetic, &[scores], 60.0),
            json!({"scalar": 0.125}),
        ),
        with(
            row("softmax", OpGroup::Logit, &[scores], 240.0),
            json!({"dim": -1}),
        ),
        row("matmul", OpGroup::Gemm, &[scores, heads], 290.0),
    ];
    for row in &mut rows {
        row.parent = Some("attention".to_owned());
        row.parent_id = Some(format!("a{call}"));
    }
    rows
}

/// The operators of a GPT-2 with `layers` layers.
pub(super) fn gpt2(layers: usize) -> Vec<OpRow> {
    let hidden: &[usize] = &[1, 128, 768];
    let mut embedding = row(
        "embedding",
        OpGroup::Embedding,
        &[&[50257, 768], &[1, 128]],
        95.0,
    );
    embedding.inputs[1].dtype = DType::I64;
    let mut ops = vec![embedding];
    for layer in 0..layers {
        let norm = || {
            with(
                row(
                    "layer_norm",
                    OpGroup::Normalization,
                    &[hidden, &[768], &[768]],
                    130.0,
                ),
                json!({"eps": 1e-5}),
            )
        };
        let addmm = |from: usize, to: usize, us| {
            row(
                "addmm",
                OpGroup::Gemm,
                &[&[to], &[128, from], &[from, to]],
                us,
            )
        };
        ops.push(norm());
        ops.push(addmm(768, 2304, 2900.0));
        ops.push(with(
            row("split", OpGroup::Memory, &[&[1, 128, 2304]], 1.2),
            json!({"size": 768, "dim": 2}),
        ));
        for _ in 0..3 {
            ops.push(with(
                row("view", OpGroup::Memory, &[hidden], 0.4),
                json!({"shape": [1, 128, 12, 64]}),
            ));
            ops.push(with(
                row("permute", OpGroup::Memory, &[&[1, 128, 12, 64]], 0.5),
                json!({"dims": [0, 2, 1, 3]}),
            ));
        }
        ops.extend(attention(layer));
        ops.push(row(
            "contiguous",
            OpGroup::Memory,
            &[&[1, 128, 12, 64]],
            55.0,
        ));
        ops.push(addmm(768, 768, 980.0));
        ops.push(with(
            row("add", OpGroup::Arithmetic, &[hidden, hidden], 42.0),
            json!({"kind": "add", "alpha": 1}),
        ));
        ops.push(norm());
        ops.push(addmm(768, 3072, 3850.0));
        ops.extend(new_gelu(layer));
        ops.push(addmm(3072, 768, 3900.0));
        ops.push(with(
            row("add", OpGroup::Arithmetic, &[hidden, hidden], 42.0),
            json!({"kind": "add", "alpha": 1}),
        ));
    }
    for (index, op) in ops.iter_mut().enumerate() {
        op.id = format!("n{index}");
        op.scope = "transformer.h".to_owned();
    }
    ops
}
