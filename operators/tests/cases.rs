//! What holds for every registered operator and each of its cases.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use nongemm_core::dtype::DType;
use nongemm_core::graph::{GraphBuilder, Value};
use nongemm_core::op::{Eager, OpCase, OpInstance, OpRegistry};
use nongemm_core::shape::{Dim, TensorSpec};
use nongemm_operators::golden;

fn registry() -> OpRegistry {
    OpRegistry::collect().unwrap()
}

fn specs(case: &OpCase) -> Vec<TensorSpec> {
    case.inputs.iter().map(|input| input.spec.clone()).collect()
}

/// Whether a spec, perhaps with symbolic dimensions, describes a tensor of the other.
fn describes(spec: &TensorSpec, real: &TensorSpec) -> bool {
    let dims = spec.shape.dims().iter().zip(real.shape.dims());
    spec.dtype == real.dtype
        && spec.shape.rank() == real.shape.rank()
        && dims
            .into_iter()
            .all(|(a, b)| matches!(a, Dim::Symbol(_)) || a == b)
}

#[test]
fn every_name_has_a_case_and_every_case_its_own_id() {
    let registry = registry();
    let cases = registry.cases();
    let ids: BTreeSet<String> = cases.iter().map(OpCase::id).collect();
    assert_eq!(ids.len(), cases.len());
    for (name, _) in registry.iter() {
        assert!(
            cases.iter().any(|case| case.op.name() == name),
            "{name} has no case"
        );
    }
}

#[test]
fn infer_gives_what_the_reference_computes() {
    for case in registry().cases() {
        let inferred = case.op.infer(&specs(&case)).unwrap();
        let real: Vec<TensorSpec> = golden::outputs(&case.id())
            .unwrap()
            .iter()
            .map(|tensor| tensor.spec())
            .collect();
        let equal = inferred.len() == real.len()
            && inferred.iter().zip(&real).all(|(a, b)| describes(a, b));
        assert!(
            equal,
            "{}: {inferred:?}, the reference gives {real:?}",
            case.id()
        );
    }
}

#[test]
fn golden_outputs_belong_to_cases() {
    let ids: BTreeSet<String> = registry().cases().iter().map(OpCase::id).collect();
    for name in golden::names().unwrap() {
        let (case, _) = name.rsplit_once('/').unwrap();
        assert!(
            ids.contains(case),
            "{name} has no case; make the golden outputs again"
        );
    }
}

#[test]
fn operators_are_read_back_from_their_attributes() {
    let registry = registry();
    for case in registry.cases() {
        let stored = OpInstance::new(case.op.as_ref(), &specs(&case));
        let text = serde_json::to_string(&stored).unwrap();
        let read: OpInstance = serde_json::from_str(&text).unwrap();
        let op = read.op(&registry).unwrap();
        assert_eq!(op.attrs(), case.op.attrs(), "{}", case.id());
        assert_eq!(format!("{op:?}"), format!("{:?}", case.op), "{}", case.id());
    }
}

#[test]
fn unknown_attributes_are_errors() {
    let registry = registry();
    for case in registry.cases() {
        let mut attrs = case.op.attrs();
        attrs.insert("no_such_attribute".to_owned(), 1.into());
        assert!(
            registry.read(case.op.name(), &attrs).is_err(),
            "{}",
            case.id()
        );
    }
}

/// A graph whose inputs are those of the case.
fn with_inputs(case: &OpCase) -> (GraphBuilder, Vec<Value>) {
    let mut g = GraphBuilder::new(DType::F32);
    let declare = |(i, spec)| g.input(&format!("x{i}"), spec).unwrap();
    let inputs = specs(case).into_iter().enumerate().map(declare).collect();
    (g, inputs)
}

#[test]
fn decompositions_have_the_outputs_of_the_whole() {
    for case in registry().cases() {
        let (mut g, inputs) = with_inputs(&case);
        let Some(outputs) = case.op.decompose(&mut g, &inputs) else {
            assert_eq!(
                case.op.eager(),
                Eager::Kernel,
                "{} needs parts",
                case.op.name()
            );
            continue;
        };
        let parts: Vec<_> = outputs
            .unwrap()
            .iter()
            .map(|&v| g.spec(v).clone())
            .collect();
        assert_eq!(
            parts,
            case.op.infer(&specs(&case)).unwrap(),
            "{}",
            case.id()
        );
        let graph = g.finish();
        let known = registry();
        for node in graph.nodes() {
            assert!(known.read(node.op.name(), &node.op.attrs()).is_ok());
        }
    }
}

#[test]
fn new_gelu_runs_the_reference_s_eight_calls() {
    let mut g = GraphBuilder::new(DType::F32);
    let x = g.input("x", TensorSpec::new(DType::F32, [2, 3])).unwrap();
    let op = Arc::new(nongemm_operators::NewGelu {});
    nongemm_core::op::Op::decompose(op.as_ref(), &mut g, &[x])
        .unwrap()
        .unwrap();
    let calls: Vec<String> = g
        .finish()
        .nodes()
        .iter()
        .map(|node| {
            let attrs = node.op.attrs();
            let number = attrs.get("scalar").or(attrs.get("exponent"));
            number.map_or(node.op.name().to_owned(), |n| {
                format!("{} {n}", node.op.name())
            })
        })
        .collect();
    assert_eq!(
        calls,
        [
            "mul 0.5",
            "pow 3.0",
            "mul 0.044715",
            "add",
            "mul 0.7978845608028654",
            "tanh",
            "add 1.0",
            "mul"
        ]
    );
}

#[test]
fn groups_and_characteristics() {
    let mut table = String::new();
    for (name, entry) in registry().iter() {
        let cases = (entry.cases)();
        let op = &cases.iter().find(|case| case.op.name() == name).unwrap().op;
        let traits = op.traits();
        let mut words = Vec::new();
        for (set, word) in [
            (traits.single_operation, "single-operation"),
            (traits.single_operand, "single-operand"),
            (traits.non_linear, "non-linear"),
            (traits.dynamic, "dynamic"),
            (traits.reduction, "reduction"),
        ] {
            words.extend(set.then_some(word));
        }
        let line = format!("{name:30} {:14} {}", op.group(), words.join(" "));
        writeln!(table, "{}", line.trim_end()).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn costs() {
    let mut table = String::new();
    for case in registry().cases() {
        let inputs = specs(&case);
        let outputs = case.op.infer(&inputs).unwrap();
        let cost = case.op.cost(&inputs, &outputs);
        writeln!(
            table,
            "{:45} {:6} flops {:5} bytes",
            case.id(),
            cost.flops,
            cost.bytes
        )
        .unwrap();
    }
    insta::assert_snapshot!(table);
}
