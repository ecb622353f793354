//! Graphs hold the operators that the reference implementation's eager code calls, in its order, with
//! its module paths, shapes and attributes.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use nongemm_core::dtype::DType;
use nongemm_core::graph::{CompositePolicy, lower, overwrites};
use support::case::{Case, models};
use support::golden;
use support::trace::{Call, calls};

#[test]
fn operators_are_those_of_the_reference() {
    for case in Case::traced().unwrap() {
        let found = calls(&case.graph().unwrap()).unwrap();
        let file = std::fs::read_to_string(golden(&format!("{}.trace.txt", case.name))).unwrap();
        let recorded: Vec<Call> = file
            .lines()
            .map(|line| Call::parse(line).unwrap())
            .collect();
        for (i, (found, recorded)) in found.iter().zip(&recorded).enumerate() {
            assert!(
                found.agrees(recorded),
                "{}, call {}:\n  the graph has      {}\n  the reference has  {}",
                case.name,
                i + 1,
                found.line(),
                recorded.line()
            );
        }
        assert_eq!(found.len(), recorded.len(), "{}", case.name);
    }
}

#[test]
fn fused_attention_takes_the_place_of_its_parts_and_of_the_causal_mask() {
    for (model, name) in [
        ("gpt2", "transformer.h.1.attn"),
        ("bert", "bert.encoder.layer.1.attention.self"),
        ("vit-b16", "vit.layers.1.attention"),
    ] {
        let case = Case::small_of(model).unwrap();
        let calls = calls(&case.with(&[("attention", "sdpa")]).graph().unwrap()).unwrap();
        let head = format!("{name}: scaled_dot_product_attention(");
        let fused: Vec<&Call> = calls.iter().filter(|c| c.head.starts_with(&head)).collect();
        assert_eq!(fused.len(), 1, "{name}");
        assert_eq!(fused[0].attrs["is_causal"], model == "gpt2");
        assert!(!calls.iter().any(|c| c.head.contains("softmax(")));
        assert!(!calls.iter().any(|c| c.head.contains("where(")));
    }
}

/// Nothing that a run is given is changed by it, so that the next one starts from the same.
#[test]
fn no_model_writes_over_its_inputs_or_weights() {
    for case in Case::traced().unwrap() {
        let graph = lower(
            &case.graph().unwrap(),
            CompositePolicy::Reference,
            &|_, _| true,
        )
        .unwrap();
        if let Some(overwrite) = overwrites(&graph).first() {
            let node = &graph.nodes()[overwrite.node];
            let source = graph.values()[overwrite.value.index()].source;
            panic!(
                "{}: {} in {} writes over {source:?}",
                case.name,
                node.op.name(),
                node.scope
            );
        }
    }
}

/// The whole zoo: how many nodes each published graph has, composites not expanded.
#[test]
fn published_configurations_are_built_whole() {
    let lines = models().unwrap().into_iter().map(|id| {
        let graph = Case::full(id).unwrap().graph().unwrap();
        format!("{id} {}", graph.nodes().len())
    });
    let lines: Vec<String> = lines.collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn every_type_of_numbers_can_be_built() {
    for case in Case::small() {
        for dtype in [DType::F64, DType::F16, DType::BF16] {
            let graph = Case {
                dtype,
                ..case.clone()
            }
            .graph()
            .unwrap();
            let (_, logits) = &graph.outputs()[0];
            assert_eq!(graph.spec(*logits).dtype, dtype, "{}", case.name);
        }
    }
}
