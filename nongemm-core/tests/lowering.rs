//! Composites are expanded as the policy says, and parts remember where they come from.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{Add, Double, Mystery, Positive, Quadruple};
use nongemm_core::dtype::DType;
use nongemm_core::graph::{CompositePolicy, Graph, GraphBuilder, lower};
use nongemm_core::op::{Op, OpGroup};
use nongemm_core::shape::TensorSpec;

fn graph() -> Graph {
    let mut g = GraphBuilder::new(DType::F32);
    let x = g.input("x", TensorSpec::new(DType::F32, [3])).unwrap();
    let y = g
        .scope("block", |g| g.scope("0", |g| g.one(Quadruple, &[x])))
        .unwrap();
    let z = g.one(Add, &[x, y]).unwrap();
    g.output("z", z);
    g.finish()
}

fn names(graph: &Graph) -> Vec<&'static str> {
    graph.nodes().iter().map(|node| node.op.name()).collect()
}

fn has_kernel(op: &dyn Op, _: &[TensorSpec]) -> bool {
    ["test_add", "test_double", "test_positive"].contains(&op.name())
}

#[test]
fn the_reference_policy_runs_parts_where_the_reference_does() {
    let lowered = lower(&graph(), CompositePolicy::Reference, &has_kernel).unwrap();
    assert_eq!(names(&lowered), ["test_add", "test_add", "test_add"]);
    let part = &lowered.nodes()[0];
    assert_eq!(&*part.scope, "block.0");
    let double = &lowered.composites()[part.parent.unwrap()];
    assert_eq!(double.op.name(), "test_double");
    let outer = &lowered.composites()[double.parent.unwrap()];
    assert_eq!(outer.op.name(), "test_quadruple");
    assert_eq!(outer.parent, None);
    assert_eq!(lowered.nodes()[2].parent, None);
    let mut ids: Vec<&str> = lowered.composites().iter().map(|c| c.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn parts_of_a_module_are_counted_with_it_and_parts_of_written_out_code_are_not() {
    let lowered = lower(&graph(), CompositePolicy::Reference, &has_kernel).unwrap();
    let groups: Vec<OpGroup> = lowered
        .nodes()
        .iter()
        .map(|node| lowered.counted_group(node))
        .collect();
    // Double is a module; Quadruple, its parent, is only code.
    assert_eq!(
        groups,
        [
            OpGroup::Activation,
            OpGroup::Activation,
            OpGroup::Arithmetic
        ]
    );
}

#[test]
fn the_fused_policy_runs_a_kernel_wherever_there_is_one() {
    let lowered = lower(&graph(), CompositePolicy::Fused, &has_kernel).unwrap();
    assert_eq!(names(&lowered), ["test_double", "test_double", "test_add"]);
}

#[test]
fn a_composite_without_kernel_is_expanded_under_every_policy() {
    let only_add = |op: &dyn Op, _: &[TensorSpec]| op.name() == "test_add";
    for policy in [
        CompositePolicy::Reference,
        CompositePolicy::Fused,
        CompositePolicy::Parts,
    ] {
        let lowered = lower(&graph(), policy, &only_add).unwrap();
        assert_eq!(names(&lowered), ["test_add"; 3], "{policy:?}");
    }
}

#[test]
fn all_missing_operators_are_listed_at_once() {
    let mut g = GraphBuilder::new(DType::F32);
    let x = g.input("x", TensorSpec::new(DType::F32, [3])).unwrap();
    let a = g.scope("a", |g| g.one(Mystery, &[x])).unwrap();
    let b = g.scope("b", |g| g.one(Mystery, &[a])).unwrap();
    let c = g.one(Positive, &[b]).unwrap();
    g.output("c", c);
    let error = lower(&g.finish(), CompositePolicy::Reference, &|_, _| false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no kernel and no decomposition for test_mystery(f32[3]) x2; test_positive(f32[3])"
    );
}

#[test]
fn symbols_of_two_nodes_differ_and_inputs_names_are_unique() {
    let mut g = GraphBuilder::new(DType::F32);
    let x = g.input("x", TensorSpec::new(DType::F32, [3])).unwrap();
    let a = g.one(Positive, &[x]).unwrap();
    let b = g.one(Positive, &[x]).unwrap();
    assert_ne!(g.spec(a), g.spec(b));
    let twice = g.one(Double, &[a]).unwrap();
    assert_eq!(g.spec(twice), g.spec(a));
    assert!(
        g.one(Add, &[a, b]).is_err(),
        "two unknown sizes do not match"
    );
    assert!(g.input("x", TensorSpec::new(DType::F32, [3])).is_err());
}

#[test]
fn a_shape_error_names_scope_operator_and_inputs() {
    let mut g = GraphBuilder::new(DType::F32);
    let x = g.input("x", TensorSpec::new(DType::F32, [3])).unwrap();
    let y = g.input("y", TensorSpec::new(DType::F32, [4])).unwrap();
    let error = g.scope("h.0", |g| g.one(Add, &[x, y])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "h.0: test_add(f32[3], f32[4]): shapes [3] and [4] do not broadcast"
    );
}
