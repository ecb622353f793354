//! Graphs hold the operators that the reference implementation's eager code calls, in its order, with
//! its module paths, shapes and attributes.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use nongemm_core::dtype::DType;
use support::case::{Case, models};
use support::golden;
use support::trace::{Call, calls};

#[test]
fn operators_are_those_of_the_reference() {
    for case in Case::traced() {
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

/// Number of nodes, composites not expanded.
fn nodes(case: &Case) -> usize {
    case.graph().unwrap().nodes().len()
}

#[test]
fn fused_attention_takes_the_place_of_its_parts_and_of_the_causal_mask() {
    for (index, name) in [
        "transformer.h.1.attn",
        "bert.encoder.layer.1.attention.self",
    ]
    .into_iter()
    .chain(["vit.layers.1.attention"])
    .enumerate()
    {
        let case = Case::small().remove(index).with(&[("attention", "sdpa")]);
        let calls = calls(&case.graph().unwrap()).unwrap();
        let head = format!("{name}: scaled_dot_product_attention(");
        let fused: Vec<&Call> = calls.iter().filter(|c| c.head.starts_with(&head)).collect();
        assert_eq!(fused.len(), 1, "{name}");
        assert_eq!(fused[0].attrs["is_causal"], index == 0);
        assert!(!calls.iter().any(|c| c.head.contains("softmax(")));
        assert!(!calls.iter().any(|c| c.head.contains("where(")));
    }
}

#[test]
fn published_configurations_are_built_whole() {
    let full = |id| nodes(&Case::full(id).unwrap());
    let counts: Vec<(&str, usize)> = models()
        .unwrap()
        .into_iter()
        .map(|id| (id, full(id)))
        .collect();
    assert_eq!(
        counts,
        [
            ("bert", 351),
            ("faster-rcnn", 706),
            ("gpt2", 479),
            ("gpt2-large", 1343),
            ("gpt2-xl", 1775),
            ("mask-rcnn", 809),
            ("mobilenet-v2", 153),
            ("resnet50", 175),
            ("vit-b16", 358),
        ]
    );
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
