//! What nodes read and define.

use std::collections::BTreeSet;

use crate::proto::{GraphProto, NodeProto};

/// Which nodes only constants go into, directly or through others.
pub(super) fn constants(graph: &GraphProto) -> Vec<bool> {
    let mut known: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    for input in &graph.input {
        known.remove(input.name.as_str());
    }
    let mut constant = Vec::with_capacity(graph.node.len());
    for node in &graph.node {
        let subgraphs = node.attribute.iter().any(|attribute| attribute.g.is_some());
        let is = !subgraphs && inputs(node).all(|name| known.contains(name));
        if is {
            known.extend(outputs(node));
        }
        constant.push(is);
    }
    constant
}

/// Names of the values that a node reads.
pub(super) fn inputs(node: &NodeProto) -> impl Iterator<Item = &str> {
    let names = node.input.iter().map(String::as_str);
    names.filter(|name| !name.is_empty())
}

/// Names of the values that it defines.
pub(super) fn outputs(node: &NodeProto) -> impl Iterator<Item = &str> {
    let names = node.output.iter().map(String::as_str);
    names.filter(|name| !name.is_empty())
}

/// The set of an operator; ONNX's own has two spellings.
pub(super) fn domain(node: &NodeProto) -> &str {
    match node.domain.as_str() {
        "ai.onnx" => "",
        domain => domain,
    }
}

/// Whether two nodes are calls of one operator.
pub(super) fn same_op(a: &NodeProto, b: &NodeProto) -> bool {
    a.op_type == b.op_type && domain(a) == domain(b)
}
