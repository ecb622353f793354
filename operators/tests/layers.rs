//! Layers declare what checkpoints hold.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder};
use nongemm_core::op::{Attrs, OpGroup};
use nongemm_core::plugin::{OpEvent, OperatorClassifier};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::{Conv2d, IrClassifier, layers};

#[test]
fn parameters_have_the_names_of_checkpoints() -> Result<(), BuildError> {
    let mut g = GraphBuilder::new(DType::F32);
    let ids = g.index_input("ids", TensorSpec::new(DType::I64, [2, 5]), 11)?;
    let (x, _) = layers::embedding(&mut g, "wte", ids, 11, 8)?;
    let x = layers::layer_norm(&mut g, "ln", x, &[8], 1e-5)?;
    let x = layers::conv1d_hf(&mut g, "attn.c_attn", x, 8, 24)?;
    layers::linear(&mut g, "head", x, 24, 4, true)?;
    let image = g.input("image", TensorSpec::new(DType::F32, [2, 3, 8, 8]))?;
    let x = layers::conv2d(
        &mut g,
        "conv1",
        image,
        [3, 4],
        [3, 3],
        Conv2d::default(),
        false,
    )?;
    layers::batch_norm(&mut g, "bn1", x, 4, 1e-5)?;
    let graph = g.finish();
    let parameters: Vec<String> = graph
        .params()
        .iter()
        .map(|p| {
            let kind = if p.trainable { "" } else { " (buffer)" };
            format!("{} {}{kind}", p.name, graph.spec(p.value))
        })
        .collect();
    insta::assert_snapshot!(parameters.join("\n"), @r"
    wte.weight f32[11, 8]
    ln.weight f32[8]
    ln.bias f32[8]
    attn.c_attn.weight f32[8, 24]
    attn.c_attn.bias f32[24]
    head.weight f32[4, 24]
    head.bias f32[4]
    conv1.weight f32[4, 3, 3, 3]
    bn1.weight f32[4]
    bn1.bias f32[4]
    bn1.running_mean f32[4] (buffer)
    bn1.running_var f32[4] (buffer)
    ");
    insta::assert_snapshot!(graph, @r"
    wte: embedding(f32[11, 8], i64[2, 5]) -> f32[2, 5, 8]
    ln: layer_norm(f32[2, 5, 8], f32[8], f32[8]) -> f32[2, 5, 8]
    attn.c_attn: view(f32[2, 5, 8]) -> f32[10, 8]
    attn.c_attn: addmm(f32[24], f32[10, 8], f32[8, 24]) -> f32[10, 24]
    attn.c_attn: view(f32[10, 24]) -> f32[2, 5, 24]
    head: linear(f32[2, 5, 24], f32[4, 24], f32[4]) -> f32[2, 5, 4]
    conv1: conv2d(f32[2, 3, 8, 8], f32[4, 3, 3, 3]) -> f32[2, 4, 6, 6]
    bn1: batch_norm(f32[2, 4, 6, 6], f32[4], f32[4], f32[4], f32[4]) -> f32[2, 4, 6, 6]
    ");
    Ok(())
}

#[test]
fn the_graph_s_own_group_comes_first() {
    let relu = nongemm_operators::Activation {
        kind: nongemm_operators::ActivationKind::Relu,
        inplace: false,
    };
    let attrs = Attrs::new();
    let mut event = OpEvent {
        vocabulary: "ir",
        name: "relu",
        attrs: &attrs,
        fused: &[],
        op: Some(&relu),
        counted: None,
    };
    assert_eq!(IrClassifier.classify(&event), Some(OpGroup::Activation));
    event.counted = Some(OpGroup::Normalization);
    assert_eq!(IrClassifier.classify(&event), Some(OpGroup::Normalization));
    event.vocabulary = "aten";
    assert_eq!(IrClassifier.classify(&event), None);
}
